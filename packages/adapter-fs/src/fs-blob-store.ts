import { dirname, join } from "node:path";
import {
  type BlobInfo,
  type BlobStore,
  bytesToHex,
  type ByteRange,
  checkBlobName,
  type Env,
  type FileSystem,
  type OperationOptions,
  rangeIn,
  TwinfoldError,
} from "@twinfold/core";
import { coalescedSync } from "./coalesced-sync.js";
import { diskCode, isAbsent, storeError } from "./disk-error.js";
import { createNodeEnv } from "./node-env.js";
import { createNodeFileSystem } from "./node-file-system.js";

/** Holds blobs that are being written. The name of a blob never starts with a dot. */
const TEMPORARY = ".tmp";
const decoder = new TextDecoder();

export interface FsBlobStoreOptions {
  /** An absolute path. The folder is made when it is not there; its parent is not. One process at a time may use it. */
  readonly root: string;
  /** @default Node's own */
  readonly fileSystem?: FileSystem | undefined;
  /** Names files that are being written. @default Node's own */
  readonly env?: Pick<Env, "randomBytes"> | undefined;
}

/**
 * Keeps each blob as a file at its name below `root`.
 *
 * A `put` costs an fsync of the file and one of its directory, which simultaneous ones share. `list` holds the names
 * of one directory per level in memory. A name cannot be both a blob and a directory of other blobs.
 */
export function createFsBlobStore({ root, fileSystem = createNodeFileSystem(), env = createNodeEnv() }: FsBlobStoreOptions): BlobStore {
  const fs = coalescedSync(fileSystem);
  const temporary = join(root, TEMPORARY);
  const durableDirectories = new Map<string, Promise<void>>();
  let opening: Promise<void> | undefined;
  let closed = false;

  function assertOpen(): void {
    if (closed) throw new TwinfoldError("ERR_CLOSED", `the blob store in ${root} was closed`);
  }

  /** Makes a directory and those on the way, and makes each durable once: it may have been left by a crash before it was. */
  function ensureDirectory(path: string): Promise<void> {
    const known = durableDirectories.get(path);
    if (known !== undefined) return known;
    const making = makeDirectory(path);
    durableDirectories.set(path, making);
    making.catch(() => durableDirectories.delete(path));
    return making;
  }

  async function makeDirectory(path: string): Promise<void> {
    if (path !== root) await ensureDirectory(dirname(path));
    try {
      await fs.mkdir(path);
    } catch (error) {
      if (diskCode(error) !== "EEXIST") throw error;
      if (path === root) return;
    }
    await fs.syncDirectory(dirname(path));
  }

  async function removeLeftovers(): Promise<void> {
    await ensureDirectory(temporary);
    for (const name of await fs.readdir(temporary)) await fs.unlink(join(temporary, decoder.decode(name)));
  }

  async function prepare(): Promise<void> {
    assertOpen();
    opening ??= removeLeftovers().catch((error: unknown) => {
      opening = undefined;
      throw storeError(`open the blob store in ${root}`, error);
    });
    await opening;
  }

  async function run<T>(doing: string, name: string, options: OperationOptions, work: (path: string) => Promise<T>): Promise<T> {
    options.signal?.throwIfAborted();
    checkBlobName(name);
    await prepare();
    options.signal?.throwIfAborted();
    try {
      return await work(join(root, name));
    } catch (error) {
      options.signal?.throwIfAborted();
      throw storeError(`${doing} the blob ${name} in ${root}`, error);
    }
  }

  async function write(path: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const draft = join(temporary, bytesToHex(env.randomBytes(16)));
    try {
      const file = await fs.open(draft, "create-exclusive");
      try {
        await file.write(bytes, 0);
        signal?.throwIfAborted();
        await file.sync();
      } finally {
        await file.close();
      }
      await ensureDirectory(dirname(path));
      signal?.throwIfAborted();
      await fs.rename(draft, path);
    } catch (error) {
      // An fsync that failed may have dropped the bytes: the file is never tried again.
      await fs.unlink(draft).catch(() => {});
      if (isAbsent(error)) durableDirectories.clear();
      throw error;
    }
    await fs.syncDirectory(dirname(path));
  }

  async function read(path: string, name: string, range: ByteRange | undefined): Promise<Uint8Array | undefined> {
    const file = await fs.open(path, "read");
    try {
      const { kind, sizeBytes } = await file.stat();
      if (kind !== "file") return undefined;
      const { offset, length } = rangeIn({ name, sizeBytes }, range);
      const bytes = new Uint8Array(length);
      const count = await file.read(bytes, offset);
      if (count < length)
        throw new TwinfoldError("ERR_STORE_FAILED", `the blob ${name} in ${root} ended after ${offset + count} of ${sizeBytes} bytes`);
      return bytes;
    } finally {
      await file.close();
    }
  }

  async function* walk(directory: string, prefix: string): AsyncGenerator<BlobInfo> {
    const names = await unlessAbsent(fs.readdir(join(root, directory)));
    const found: Array<{ readonly path: string; readonly sizeBytes: number | undefined }> = [];
    for (const name of names ?? []) {
      const path = directory + decoder.decode(name);
      const mayMatch = path.startsWith(prefix) || prefix.startsWith(`${path}/`);
      if (path === TEMPORARY || !mayMatch) continue;
      const stat = await unlessAbsent(fs.lstat(join(root, path)));
      if (stat?.kind === "directory") found.push({ path: `${path}/`, sizeBytes: undefined });
      if (stat?.kind === "file" && path.startsWith(prefix)) found.push({ path, sizeBytes: stat.sizeBytes });
    }
    // A directory sorts by its name with the slash: that is where the names in it belong among its siblings.
    found.sort((a, b) => (a.path < b.path ? -1 : 1));
    for (const { path, sizeBytes } of found) {
      if (sizeBytes === undefined) yield* walk(path, prefix);
      else yield { name: path, sizeBytes };
    }
  }

  return {
    put: (name, bytes, options = {}) => run("write", name, options, (path) => write(path, bytes, options.signal)),
    get: (name, options = {}) => run("read", name, options, (path) => unlessAbsent(read(path, name, options.range))),
    head: (name, options = {}) =>
      run("look at", name, options, async (path) => {
        const stat = await unlessAbsent(fs.lstat(path));
        return stat?.kind === "file" ? { name, sizeBytes: stat.sizeBytes } : undefined;
      }),
    delete: (name, options = {}) =>
      run("delete", name, options, async (path) => {
        if ((await unlessAbsent(fs.unlink(path).then(() => true))) === true) await fs.syncDirectory(dirname(path));
      }),
    async *list(prefix, { signal } = {}) {
      signal?.throwIfAborted();
      await prepare();
      try {
        for await (const blob of walk("", prefix)) {
          signal?.throwIfAborted();
          assertOpen();
          yield blob;
        }
      } catch (error) {
        signal?.throwIfAborted();
        throw storeError(`list the blobs in ${root}`, error);
      }
    },
    async close() {
      closed = true;
    },
  };
}

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
