/** What a person sees at a path. */
export type SeenEntry =
  | { readonly kind: "file"; readonly bytes: Uint8Array; readonly executable: boolean }
  | { readonly kind: "directory" }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "other" };

/** A linked folder as a person has it before them. Everything takes effect at once, whatever the engine is doing. */
export interface Folder {
  /** Everything below the root but Twinfold's own, by path, ascending. */
  entries(): ReadonlyMap<string, SeenEntry>;
  /** In place: the inode stays. Makes the file when there is none. */
  write(path: string, bytes: Uint8Array): void;
  mkdir(path: string): void;
  symlink(path: string, target: string): void;
  /** As rename(2). */
  rename(from: string, to: string): void;
  /** With everything inside. */
  remove(path: string): void;
  chmod(path: string, executable: boolean): void;
  touch(path: string): void;
}
