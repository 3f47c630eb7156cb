import { join } from "node:path";
import {
  baseName,
  cutPieces,
  type Env,
  type FileStat,
  type FileSystem,
  type FoundEntry,
  INTERNAL_NAME,
  isAsExpected,
  type LocalEntry,
  type LocalListing,
  type LocalPath,
  type LocalStat,
  type LocalTree,
  type Manifest,
  type OpenFile,
  type OperationOptions,
  parentPath,
  ROOT_PATH,
  TwinfoldError,
} from "@twinfold/core";
import { pieces } from "./copy-file.js";
import { diskCode, isAbsent } from "./disk-error.js";
import type { FileCutter } from "./file-cutter.js";
import { isSameWay, type LinkedRoot, pathIn } from "./linked-root.js";
import { ListingDigest } from "./listing-digest.js";
import { nodeSha256 } from "./node-env.js";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

interface FolderReaderOptions {
  readonly fs: FileSystem;
  readonly root: LinkedRoot;
  readonly env: Partial<Pick<Env, "sha256">>;
  readonly cutter: FileCutter;
  /** Makes an error of the contract of what a call failed with, and says what it was doing. */
  readonly failureOf: (what: string, error: unknown) => Promise<unknown>;
}

/** What a listing is made of, entry by entry. */
interface Visitor {
  entry(name: string, stat: FileStat): void;
  problem(name: string, problem: string): void;
}

/** Looks into a linked folder; changes nothing in it. */
export interface FolderReader extends Required<Pick<LocalTree, "list" | "digest" | "read" | "cut">> {
  /** Where `path` is, once its parent was found without following a symlink. */
  locate(path: LocalPath): Promise<string | undefined>;
}

export function createFolderReader({ fs, root, env, cutter, failureOf }: FolderReaderOptions): FolderReader {
  async function locate(path: LocalPath): Promise<string | undefined> {
    if (path === ROOT_PATH) return root.verify();
    const way = await root.find(parentPath(path));
    return way && pathIn(way.absolute, baseName(path));
  }

  /** Tells of every entry, in the order of their names' UTF-16 units. */
  async function visit(path: LocalPath, visitor: Visitor): Promise<void> {
    const way = await root.find(path);
    if (way === undefined) throw notFound(path);
    const found = await fs.entries?.(way.absolute);
    if (found === undefined) await visitOneByOne(way.absolute, visitor);
    else for (const { name, stat } of [...found].sort(byName)) if (name !== INTERNAL_NAME) visitor.entry(name, stat);
    // An unmounted disk leaves an empty directory: what was listed counts only when all is still where it was.
    if (!isSameWay(way, await root.find(path))) throw changed(path, "listed");
  }

  async function visitOneByOne(directory: string, visitor: Visitor): Promise<void> {
    const names: string[] = [];
    for (const bytes of await fs.readdir(directory)) {
      try {
        names.push(strict.decode(bytes));
      } catch {
        visitor.problem(lossy.decode(bytes), "its name is not UTF-8");
      }
    }
    for (const name of names.sort()) {
      if (name === INTERNAL_NAME) continue;
      try {
        visitor.entry(name, await fs.lstat(join(directory, name)));
      } catch (error) {
        if (isAbsent(error)) continue;
        const isTooDeep = diskCode(error) === "ENAMETOOLONG";
        visitor.problem(name, isTooDeep ? "its path is too long for this disk" : `it cannot be read (${diskCode(error) ?? String(error)})`);
      }
    }
  }

  async function list(path: LocalPath): Promise<LocalListing> {
    const entries: LocalEntry[] = [];
    const problems: Array<{ readonly name: string; readonly problem: string }> = [];
    const digest = new ListingDigest();
    await visit(path, {
      entry: (name, stat) => {
        entries.push({ name, stat: root.statOf(stat) });
        digest.add(name, stat, root.deviceOf(stat));
      },
      problem: (name, problem) => void problems.push({ name, problem }),
    });
    return problems.length === 0 ? { entries, problems, digest: digest.digest() } : { entries, problems };
  }

  async function digest(path: LocalPath): Promise<Uint8Array | undefined> {
    const digest = new ListingDigest();
    let hasProblems = false;
    await visit(path, {
      entry: (name, stat) => digest.add(name, stat, root.deviceOf(stat)),
      problem: () => {
        hasProblems = true;
      },
    });
    return hasProblems ? undefined : digest.digest();
  }

  /** Opens a file, which has to be as expected then, and at each later `check`. */
  async function openAsExpected(path: LocalPath, expected: LocalStat): Promise<{ readonly file: OpenFile; check(): Promise<void> }> {
    const absolute = await locate(path);
    if (absolute === undefined) throw notFound(path);
    const file = await fs.open(absolute, "read");
    const check = async (): Promise<void> => {
      if (!isAsExpected(root.statOf(await file.stat()), expected)) throw changed(path, "read");
    };
    try {
      await check();
    } catch (error) {
      await file.close();
      throw error;
    }
    return { file, check };
  }

  async function readFailure(path: LocalPath, error: unknown): Promise<unknown> {
    if (isAbsent(error)) return notFound(path);
    return diskCode(error) === "ELOOP" ? changed(path, "read") : failureOf(`read ${JSON.stringify(path)}`, error);
  }

  async function* read(path: LocalPath, expected: LocalStat, options: Parameters<LocalTree["read"]>[2] = {}): AsyncGenerator<Uint8Array> {
    const { offset = 0, length = Number.POSITIVE_INFINITY, signal } = options;
    signal?.throwIfAborted();
    try {
      const { file, check } = await openAsExpected(path, expected);
      try {
        yield* pieces(file, offset, Math.min(expected.sizeBytes, offset + length), options);
        await check();
      } finally {
        await file.close();
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw await readFailure(path, error);
    }
  }

  async function cut(path: LocalPath, expected: LocalStat, { signal }: OperationOptions = {}): Promise<Manifest> {
    signal?.throwIfAborted();
    try {
      const { file, check } = await openAsExpected(path, expected);
      try {
        const { sizeBytes } = expected;
        const inPlace = file.descriptor === undefined ? undefined : await cutter.cut(file.descriptor, sizeBytes, signal);
        const manifest = inPlace ?? (await cutPieces(pieces(file, 0, sizeBytes, { signal }), sizeBytes, env.sha256 ?? nodeSha256));
        await check();
        return manifest;
      } finally {
        await file.close();
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw await readFailure(path, error);
    }
  }

  return { locate, list, digest, read, cut };
}

function byName(a: FoundEntry, b: FoundEntry): number {
  return a.name < b.name ? -1 : 1;
}

export function notFound(path: LocalPath): TwinfoldError {
  return new TwinfoldError("ERR_NOT_FOUND", `there is no such entry as ${JSON.stringify(path)} in the folder`);
}

function changed(path: LocalPath, doing: string): TwinfoldError {
  return new TwinfoldError(
    "ERR_LOCAL_CHANGED",
    `${JSON.stringify(path)} is not what it was when it was looked at, or changed while it was ${doing}: look again`,
  );
}
