import type { MemoryLocalTree } from "@twinfold/core";

/** What the app needs of its folder. On a disk these are `writeFile`, `rename` and `readdir`. */
export type Folder = Pick<MemoryLocalTree, "write" | "rename" | "files">;

/** A list of things to do, kept in a folder that something else syncs. */
export interface TodoApp {
  add(task: string): void;
  /** Does nothing when there is no such open task. */
  finish(task: string): void;
  tasks(state: "open" | "done"): string[];
}
