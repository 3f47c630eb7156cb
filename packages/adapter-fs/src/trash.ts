import { dirname, join } from "node:path";
import { baseName, bytesToHex, type Env, type FileSystem, type LocalPath, parsePath, TRASH_KEPT_MS, type TrashItem } from "@twinfold/core";
import { copyFile } from "./copy-file.js";
import { diskCode, isAbsent } from "./disk-error.js";
import { namesIn, ownFolder } from "./linked-root.js";
import { readText } from "./root-marker.js";

/** Longest name that leaves room for `.json` in the 255 bytes that disks allow. */
const MAX_NOTED_NAME_BYTES = 250;

/** A path has at most 128 names of 255 bytes, each of which JSON may write in six. */
const MAX_NOTE_BYTES = 256 * 1024;
/** Most things purged at once: it bounds the time that a pass spends on it. */
const MAX_PURGED = 1_000;
/** What {@link Trash.open} names its folders: the time, in an order that sorts, and 4 random bytes. */
const FOLDER = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-[0-9a-f]{8}$/;

/** A place in the trash for one thing. */
export interface TrashEntry {
  /** Where the thing goes. */
  readonly path: string;
  readonly note: string;
  readonly folder: string;
}

export interface Trash {
  /** Makes a place for what is at `path`, with a note of where it was. */
  open(home: string, path: LocalPath, reason: TrashItem["reason"]): Promise<TrashEntry>;
  /** What is in the trash of one of our folders, oldest first. */
  list(home: string): Promise<readonly TrashItem[]>;
  /** One thing in it; `undefined` when there is no such thing. */
  find(home: string, trashId: string): Promise<{ readonly item: TrashItem; readonly entry: TrashEntry } | undefined>;
  /** Removes what has been in it for too long, the oldest first, as far as the disk lets it. */
  purge(home: string): Promise<void>;
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

  async function foldersOf(home: string): Promise<readonly string[]> {
    const names = (await namesIn(fs, join(home, "trash"))).filter((name) => FOLDER.test(name));
    return names.sort();
  }

  async function find(home: string, trashId: string): ReturnType<Trash["find"]> {
    if (!FOLDER.test(trashId)) return undefined;
    const folder = join(home, "trash", trashId);
    const names = await namesIn(fs, folder);
    for (const name of names) {
      const noted = notedName(name);
      // What has no note that can be read is shown all the same: its folder's name says when.
      const note = names.includes(noted) && name !== noted ? await readNote(join(folder, noted)) : undefined;
      if (note === undefined && (names.length > 1 || name === "note.json")) continue;
      const { kind, sizeBytes } = await fs.lstat(join(folder, name));
      if (kind !== "file" && kind !== "symlink") continue;
      const item: TrashItem = {
        trashId,
        path: note?.path ?? (name as LocalPath),
        atMs: note?.atMs ?? timeOf(trashId),
        reason: note?.reason ?? "removed",
        kind,
        sizeBytes,
      };
      return { item, entry: { path: join(folder, name), note: join(folder, noted), folder } };
    }
    return undefined;
  }

  async function readNote(path: string): Promise<Pick<TrashItem, "path" | "atMs" | "reason"> | undefined> {
    try {
      const { path: was, at, why } = JSON.parse(await readText(fs, path, MAX_NOTE_BYTES)) as Readonly<Record<string, unknown>>;
      if (typeof was !== "string" || typeof at !== "string") return undefined;
      return { path: parsePath(was), atMs: Date.parse(at) || 0, reason: why === "replaced" ? "replaced" : "removed" };
    } catch (error) {
      if (diskCode(error) !== undefined && !isAbsent(error)) throw error;
      return undefined; // torn by a crash
    }
  }

  return {
    find,
    async list(home) {
      const items: TrashItem[] = [];
      for (const trashId of await foldersOf(home)) {
        const found = await find(home, trashId);
        if (found !== undefined) items.push(found.item);
      }
      return items;
    },
    async purge(home) {
      const beforeMs = env.nowMs() - TRASH_KEPT_MS;
      const old = (await foldersOf(home)).filter((trashId) => timeOf(trashId) <= beforeMs).slice(0, MAX_PURGED);
      for (const trashId of old) {
        const folder = join(home, "trash", trashId);
        for (const name of await namesIn(fs, folder)) await fs.unlink(join(folder, name)).catch(() => {});
        await fs.rmdir(folder).catch(() => {});
      }
    },
    async open(home, path, reason) {
      const at = new Date(env.nowMs()).toISOString();
      const name = baseName(path);
      const folder = join(await ownFolder(fs, home, "trash"), `${at.replaceAll(":", "-")}-${bytesToHex(env.randomBytes(4))}`);
      const entry = { path: join(folder, name), note: join(folder, notedName(name)), folder };
      await fs.mkdir(folder);
      try {
        await writeNote(entry.note, `${JSON.stringify({ path, at, why: reason })}\n`);
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

function notedName(name: string): string {
  return new TextEncoder().encode(name).length <= MAX_NOTED_NAME_BYTES ? `${name}.json` : "note.json";
}

/** When the thing came into the trash: the name of its folder says it. */
function timeOf(trashId: string): number {
  return Date.parse(trashId.slice(0, -9).replace(/T(\d\d)-(\d\d)-/, "T$1:$2:"));
}

/** FAT, exFAT and some network disks have none; a file may have too many. */
export function hasNoHardLinks(error: unknown): boolean {
  return ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(diskCode(error) ?? "");
}
