import { dirname, join } from "node:path";
import { baseName, bytesToHex, type Env, type FileSystem, type LocalPath } from "@twinfold/core";
import { copyFile } from "./copy-file.js";
import { diskCode } from "./disk-error.js";
import { ownFolder } from "./linked-root.js";

/** Longest name that leaves room for `.json` in the 255 bytes that disks allow. */
const MAX_NOTED_NAME_BYTES = 250;

/** A place in the trash for one thing. */
export interface TrashEntry {
  /** Where the thing goes. */
  readonly path: string;
  readonly note: string;
  readonly folder: string;
}

export interface Trash {
  /** Makes a place for what is at `path`, with a note of where it was. */
  open(home: string, path: LocalPath): Promise<TrashEntry>;
  /** Gives the thing at `target` a second name in the trash, durably; where the disk has no hard links, a copy. */
  keep(entry: TrashEntry, target: string): Promise<"linked" | "copied">;
  /** Makes what was moved to the entry durable. */
  sync(entry: TrashEntry): Promise<void>;
  /** Removes the entry with all that is in it, as far as the disk lets it. */
  discard(entry: TrashEntry): Promise<void>;
}

export function createTrash(fs: FileSystem, env: Pick<Env, "nowMs" | "randomBytes">): Trash {
  async function sync({ folder }: TrashEntry): Promise<void> {
    await fs.syncDirectory(folder);
    await fs.syncDirectory(dirname(folder));
  }

  async function discard({ path, note, folder }: TrashEntry): Promise<void> {
    await fs.unlink(path).catch(() => {});
    await fs.unlink(note).catch(() => {});
    await fs.rmdir(folder).catch(() => {});
  }

  async function writeNote(path: string, text: string): Promise<void> {
    const file = await fs.open(path, "create-exclusive");
    try {
      await file.write(new TextEncoder().encode(text), 0);
    } finally {
      await file.close();
    }
  }

  return {
    async open(home, path) {
      const at = new Date(env.nowMs()).toISOString();
      const name = baseName(path);
      const folder = join(await ownFolder(fs, home, "trash"), `${at.replaceAll(":", "-")}-${bytesToHex(env.randomBytes(4))}`);
      const noted = new TextEncoder().encode(name).length <= MAX_NOTED_NAME_BYTES ? `${name}.json` : "note.json";
      const entry = { path: join(folder, name), note: join(folder, noted), folder };
      await fs.mkdir(folder);
      try {
        await writeNote(entry.note, `${JSON.stringify({ path, at })}\n`);
      } catch (error) {
        await discard(entry);
        throw error;
      }
      return entry;
    },
    async keep(entry, target) {
      let kept: "linked" | "copied" = "linked";
      const { kind } = await fs.lstat(target);
      // link(2) follows a symlink on macOS. A symlink cannot be written to, so a copy is as good.
      if (kind === "symlink") {
        await fs.symlink(await fs.readlink(target), entry.path);
        kept = "copied";
      } else {
        try {
          await fs.link(target, entry.path);
        } catch (error) {
          if (!hasNoHardLinks(error)) throw error;
          await copyFile(fs, target, entry.path);
          kept = "copied";
        }
      }
      await sync(entry);
      return kept;
    },
    sync,
    discard,
  };
}

/** FAT, exFAT and some network disks have none; a file may have too many. */
export function hasNoHardLinks(error: unknown): boolean {
  return ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(diskCode(error) ?? "");
}
