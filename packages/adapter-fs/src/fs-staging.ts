import { join } from "node:path";
import {
  assertReplaceable,
  type Expected,
  type FileAttributes,
  type FileSystem,
  type LocalOutcome,
  type LocalPath,
  type OpenFile,
  type Staging,
  TwinfoldError,
} from "@twinfold/core";
import { diskCode, isAbsent, localError } from "./disk-error.js";

export interface StagingParts {
  readonly fs: FileSystem;
  /** The folder of staging files, and the name in it. */
  readonly folder: string;
  readonly key: string;
  /** Permission bits for what is at `path` now, or for a new file; `undefined` when the path is not as expected. */
  readonly modeFor: (path: LocalPath, expected: Expected, executable: boolean) => Promise<number | undefined>;
  readonly put: (source: string, path: LocalPath, expected: Expected) => Promise<LocalOutcome>;
  readonly onClosed: () => void;
}

export async function openStaging({ fs, folder, key, modeFor, put, onClosed }: StagingParts): Promise<Staging> {
  const path = join(folder, key);
  let file: OpenFile | undefined = await openAlone(fs, path);
  let { sizeBytes } = await file.stat();

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
        await to.write(bytes, sizeBytes);
        sizeBytes += bytes.length;
      }),
    async place(target: LocalPath, expected: Expected, attributes: FileAttributes) {
      assertReplaceable(target, expected);
      try {
        const mode = await modeFor(target, expected, attributes.executable);
        if (mode === undefined) return { kind: "changed" };
        const made = opened();
        // An append that failed on its way may have left bytes behind the end.
        await made.truncate(sizeBytes);
        await made.chmod(mode);
        await made.setMtime(attributes.mtimeNs);
        await sync();
        const outcome = await put(path, target, expected);
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

/** Opens the file, or makes it. One with a second name was placed by a process that died just then: its bytes are a person's now. */
async function openAlone(fs: FileSystem, path: string): Promise<OpenFile> {
  try {
    const file = await fs.open(path, "read-write");
    const { kind, links } = await file.stat();
    if (kind === "file" && links === 1) return file;
    await file.close();
    await fs.unlink(path);
  } catch (error) {
    if (diskCode(error) === "ELOOP") await fs.unlink(path);
    else if (diskCode(error) !== "ENOENT") throw error;
  }
  return fs.open(path, "create-exclusive");
}
