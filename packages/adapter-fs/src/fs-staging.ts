import {
  assertReplaceable,
  type Expected,
  type FileAttributes,
  type FileStat,
  type FileSystem,
  type LocalPath,
  type OpenFile,
  type PlaceOptions,
  type Staging,
  STAGING_KEPT_MS,
  TwinfoldError,
} from "@twinfold/core";
import { diskCode, isAbsent, localError } from "./disk-error.js";
import type { DurableReplace } from "./durable-replace.js";
import { lstatOrAbsent, namesIn, pathIn } from "./linked-root.js";

export interface StagingParts {
  readonly fs: FileSystem;
  /** The folder of staging files, and the name in it. */
  readonly folder: string;
  readonly key: string;
  /** Permission bits in the place of that, or of a new file. */
  readonly modeFor: (replaced: FileStat | undefined, executable: boolean) => number;
  readonly put: DurableReplace["put"];
  readonly onClosed: () => void;
}

export async function openStaging({ fs, folder, key, modeFor, put, onClosed }: StagingParts): Promise<Staging> {
  const path = pathIn(folder, key);
  const alone = await openAlone(fs, path);
  let file: OpenFile | undefined = alone.file;
  let { sizeBytes } = alone;
  /** An append that failed on its way may have left bytes behind the end. */
  let isFrayed = false;

  function opened(): OpenFile {
    if (file === undefined) throw new TwinfoldError("ERR_CLOSED", `the download ${key} was let go of: stage it again`);
    return file;
  }

  async function doing<T>(what: string, work: (file: OpenFile) => Promise<T>): Promise<T> {
    try {
      return await work(opened());
    } catch (error) {
      throw localError(`${what} ${path}`, error);
    }
  }

  async function close(): Promise<void> {
    const closing = file;
    if (closing === undefined) return;
    file = undefined;
    onClosed();
    await closing.close();
  }

  /** After an fsync that failed the disk may have dropped the bytes, and say at the next one that all is well. */
  async function sync(): Promise<void> {
    try {
      await opened().sync();
    } catch (error) {
      await close().catch(() => {});
      await fs.unlink(path).catch(() => {});
      throw error;
    }
  }

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    read: (offset, length) =>
      doing("read the download", async (from) => {
        const bytes = new Uint8Array(Math.max(0, Math.min(length, sizeBytes - offset)));
        return bytes.subarray(0, await from.read(bytes, offset));
      }),
    truncate: (toBytes) =>
      doing("shorten the download", async (from) => {
        if (toBytes >= sizeBytes) return;
        await from.truncate(toBytes);
        sizeBytes = toBytes;
      }),
    append: (bytes) =>
      doing("write the download", async (to) => {
        const wasFrayed = isFrayed;
        isFrayed = true;
        if (isHole(bytes)) {
          if (wasFrayed) await to.truncate(sizeBytes);
          await to.truncate(sizeBytes + bytes.length);
        } else await to.write(bytes, sizeBytes);
        isFrayed = wasFrayed;
        sizeBytes += bytes.length;
      }),
    async place(target: LocalPath, expected: Expected, attributes: FileAttributes, { durable: asked = true }: PlaceOptions = {}) {
      assertReplaceable(target, expected);
      try {
        const made = opened();
        const durable = asked || expected !== undefined;
        const finish = async (replaced: FileStat | undefined): Promise<FileStat> => {
          if (isFrayed) await made.truncate(sizeBytes);
          await made.chmod(modeFor(replaced, attributes.executable));
          await made.setMtime(attributes.mtimeNs);
          if (durable) await sync();
          return await made.stat();
        };
        const outcome = await put({ path, finish, stat: made.stat, durable }, target, expected);
        if (outcome.kind === "done") await close();
        return outcome;
      } catch (error) {
        throw localError(`write the file ${JSON.stringify(target)}`, error);
      }
    },
    close,
    async discard() {
      await close();
      try {
        await fs.unlink(path);
      } catch (error) {
        if (!isAbsent(error)) throw localError(`discard the download ${path}`, error);
      }
    },
  };
}

/** Shorter runs of zeros are written: a disk keeps no hole that is less than a block. */
const SMALLEST_HOLE_BYTES = 4096;
const ZEROS = new Uint8Array(64 * 1024);

/** Nothing but zeros, which take no room on the disk when the file is made longer instead. */
function isHole(bytes: Uint8Array): boolean {
  if (bytes.length < SMALLEST_HOLE_BYTES) return false;
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const piece = bytes.subarray(at, at + ZEROS.length);
    if (Buffer.compare(piece, ZEROS.subarray(0, piece.length)) !== 0) return false;
  }
  return true;
}

/** Makes the file, or opens it. One with a second name was placed by a process that died just then: its bytes are a person's now. */
async function openAlone(fs: FileSystem, path: string): Promise<{ readonly file: OpenFile; readonly sizeBytes: number }> {
  try {
    return { file: await fs.open(path, "create-exclusive"), sizeBytes: 0 };
  } catch (error) {
    if (diskCode(error) !== "EEXIST") throw error;
  }
  try {
    const file = await fs.open(path, "read-write");
    const { kind, links, sizeBytes } = await closedOnError(file, () => file.stat());
    if (kind === "file" && links === 1) return { file, sizeBytes };
    await file.close();
    await fs.unlink(path);
  } catch (error) {
    if (diskCode(error) === "ELOOP") await fs.unlink(path);
    else if (diskCode(error) !== "ENOENT") throw error;
  }
  return { file: await fs.open(path, "create-exclusive"), sizeBytes: 0 };
}

async function closedOnError<T>(file: OpenFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

/** Most staging files removed at once. */
const MAX_REMOVED = 1_000;

/**
 * Removes what nobody has open and nobody has written for {@link STAGING_KEPT_MS}: its download went another way. And at once what a process that
 * died left half done: the second name of a file that is a person's by now, a symlink's draft.
 */
export async function removeAbandoned(
  fs: FileSystem,
  { folder, isOpen, nowMs }: { readonly folder: string; readonly isOpen: (name: string) => boolean; readonly nowMs: number },
): Promise<void> {
  const beforeNs = BigInt(Math.floor(nowMs - STAGING_KEPT_MS)) * 1_000_000n;
  let removed = 0;
  for (const name of await namesIn(fs, folder)) {
    const stat = isOpen(name) ? undefined : await lstatOrAbsent(fs, pathIn(folder, name));
    if (stat === undefined || stat.kind === "directory") continue;
    if (stat.kind === "file" && stat.links === 1 && stat.ctimeNs > beforeNs) continue;
    await fs.unlink(pathIn(folder, name)).catch(() => {});
    if (++removed === MAX_REMOVED) return;
  }
}
