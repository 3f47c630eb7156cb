import type { Env } from "../env.js";
import { TwinfoldError } from "../errors.js";
import { createEvents } from "../events.js";
import { nobleSha256 } from "../hashing/noble-sha256.js";
import { baseName, INTERNAL_NAME, type LocalPath, parentPath, ROOT_PATH } from "../names.js";
import { cutPieces } from "./cut-pieces.js";
import { noParent, noSuchTrash, restoredPath, STAGING_KEPT_MS, TRASH_KEPT_MS, type TrashItem } from "./trash.js";
import { assertMovable, assertReplaceable, assertStagingKey, isAsExpected } from "./expected.js";
import type { Expected, FileAttributes, LocalEntry, LocalHint, LocalOutcome, LocalReadOptions, LocalStat, LocalTree, Staging } from "./local-tree.js";
import { ANY_NAME, isSameName, type NameRules } from "./name-rules.js";

/** Bytes that `read` yields at a time. */
const PIECE_BYTES = 1024 * 1024;
const NO_BYTES: Uint8Array = new Uint8Array(0);
const CHANGED = { kind: "changed" } as const;

/** What a person would see at a path. */
export type MemoryEntry =
  | { readonly kind: "file"; readonly bytes: Uint8Array; readonly executable: boolean; readonly mtimeNs: bigint }
  | { readonly kind: "directory" }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "other" };

export interface MemoryLocalTreeOptions {
  /** Gives the times of files, and hashes them. @default a clock that stands still: times still differ, by a nanosecond; SHA-256 in JavaScript */
  readonly env?: (Pick<Env, "nowMs"> & Partial<Pick<Env, "sha256">>) | undefined;
  /** What the disk that it stands for does with names. @default it holds every name, and tells all of them apart */
  readonly names?: Partial<NameRules> | undefined;
}

/** A {@link LocalTree} in memory, with the methods by which a test or an app acts as the person at the keyboard. Paths are names joined by `/`. */
export interface MemoryLocalTree extends LocalTree {
  /** Writes a file in place, as an editor does that keeps the inode; makes the directories on the way. */
  write(path: string, content: Uint8Array | string, options?: { readonly executable?: boolean | undefined }): void;
  /** Makes a directory and those on the way; does nothing when it is there. */
  mkdir(path: string): void;
  symlink(path: string, target: string): void;
  /** Makes a socket or device: something that is reported and never synced. */
  makeOther(path: string): void;
  /** As rename(2): a file at `to` is replaced. Makes the directories on the way. */
  rename(from: string, to: string): void;
  /** Removes an entry with everything inside, for good. */
  rm(path: string): void;
  chmod(path: string, executable: boolean): void;
  /** Every entry but the root, by path, in ascending order. Bytes are copies. */
  files(): Map<string, MemoryEntry>;
  /** What the tree's operations took away, oldest first, with the path that it had. */
  trashed(): ReadonlyArray<{ readonly path: string; readonly entry: MemoryEntry }>;
  /** What the next calls find at the root: the disk unplugged, locked, or another one in its place. */
  setRoot(state: "present" | "missing" | "unreadable" | "foreign"): void;
  /** From now on it is another folder, empty, that is marked as the linked one: a disk put back from a backup, or a marker that was made again by hand. */
  replaceRoot(): void;
}

interface Inode {
  readonly number: number;
  readonly kind: LocalStat["kind"];
  readonly children: Map<string, Inode>;
  readonly target: string;
  bytes: Uint8Array;
  executable: boolean;
  mtimeNs: bigint;
  ctimeNs: bigint;
}

const ROOT_ERRORS = {
  missing: ["ERR_ROOT_MISSING", "the folder in memory is gone: was its disk unplugged?"],
  unreadable: ["ERR_ROOT_UNREADABLE", "the folder in memory cannot be read: check its permissions"],
  foreign: ["ERR_ROOT_FOREIGN", "the folder in memory is not the one that was linked"],
} as const;

/** A folder in memory: what tests and the simulator sync, and apps that have no disk. */
export function createMemoryLocalTree({ env = { nowMs: () => 0 }, names }: MemoryLocalTreeOptions = {}): MemoryLocalTree {
  const rules: NameRules = { ...ANY_NAME, ...names };
  const { source, emit } = createEvents<{ hint: LocalHint }>();
  const staged = new Map<string, { readonly buffer: Uint8Array; readonly sizeBytes: number; readonly writtenAtMs: number }>();
  const stagedKeys = new Set<string>();
  const trash: Array<TrashItem & { readonly entry: MemoryEntry }> = [];
  let trashIds = 0;
  let roots = 1;
  let rootState: Parameters<MemoryLocalTree["setRoot"]>[0] = "present";
  let latestNs = 0n;
  let inodes = 0;
  let root = makeInode("directory");

  /** Never the same twice: two equal stats mean that nothing happened in between, as on a real disk. */
  function nowNs(): bigint {
    const clockNs = BigInt(Math.floor(env.nowMs() * 1000)) * 1000n;
    latestNs = clockNs > latestNs ? clockNs : latestNs + 1n;
    return latestNs;
  }

  function makeInode(kind: Inode["kind"], { bytes = NO_BYTES, target = "", executable = false } = {}): Inode {
    const now = nowNs();
    inodes += 1;
    return { number: inodes, kind, children: new Map(), target, bytes, executable, mtimeNs: now, ctimeNs: now };
  }

  function find(path: string): Inode | undefined {
    let found: Inode | undefined = root;
    for (const name of path === "" ? [] : path.split("/")) found = found?.children.get(spelling(found, name));
    return found;
  }

  /** The name under which a directory has what this disk finds at `name`; `name` itself when there is nothing. */
  function spelling({ children }: Inode, name: string): string {
    if (children.has(name) || !(rules.foldsCase || rules.foldsNormalization)) return name;
    for (const known of children.keys()) if (isSameName(known, name, rules)) return known;
    return name;
  }

  function mustFind(path: string, kind?: Inode["kind"]): Inode {
    const found = find(path);
    if (found !== undefined && (kind === undefined || found.kind === kind)) return found;
    throw new TwinfoldError("ERR_NOT_FOUND", `there is no ${kind ?? "entry"} ${JSON.stringify(path)} in the folder in memory`);
  }

  function parentOf(path: string): Inode | undefined {
    const parent = find(parentPath(path as LocalPath));
    return parent?.kind === "directory" ? parent : undefined;
  }

  function statOf(inode: Inode): LocalStat {
    return {
      kind: inode.kind,
      sizeBytes: inode.kind === "symlink" ? inode.target.length : inode.bytes.length,
      mtimeNs: inode.mtimeNs,
      ctimeNs: inode.ctimeNs,
      inode: `0:${inode.number}`,
      executable: inode.executable,
      links: 1,
    };
  }

  function hint(path: string): void {
    emit("hint", { kind: "directory", path: parentPath(path as LocalPath) });
    if (find(path)?.kind === "directory") emit("hint", { kind: "directory", path: path as LocalPath });
  }

  function touch(inode: Inode): void {
    inode.mtimeNs = inode.ctimeNs = nowNs();
  }

  function attach(path: string, inode: Inode): LocalOutcome {
    const parent = parentOf(path) as Inode;
    parent.children.set(spelling(parent, baseName(path as LocalPath)), inode);
    touch(parent);
    hint(path);
    return { kind: "done", stat: statOf(inode) };
  }

  function detach(path: string): void {
    const parent = parentOf(path) as Inode;
    parent.children.delete(spelling(parent, baseName(path as LocalPath)));
    touch(parent);
    hint(path);
  }

  /** True when `path` can be made or replaced now: its parent is a directory, and it is as expected. */
  function isFree(path: LocalPath, expected: Expected): boolean {
    const found = find(path);
    return parentOf(path) !== undefined && isAsExpected(found && statOf(found), expected);
  }

  /** Puts `inode` at `path`, and what was there into the trash. */
  function replace(path: LocalPath, inode: Inode): LocalOutcome {
    discard(path, "replaced");
    return attach(path, inode);
  }

  function discard(path: LocalPath, reason: TrashItem["reason"]): void {
    const old = find(path);
    if (old?.kind !== "file" && old?.kind !== "symlink") return;
    const { kind, sizeBytes } = statOf(old);
    trashIds += 1;
    trash.push({
      trashId: String(trashIds).padStart(8, "0"),
      path,
      atMs: env.nowMs(),
      reason,
      kind: kind as TrashItem["kind"],
      sizeBytes,
      entry: entryOf(old),
    });
  }

  function setFileAttributes(inode: Inode, { executable, mtimeNs }: FileAttributes): void {
    inode.executable = executable;
    inode.mtimeNs = mtimeNs - (((mtimeNs % 1000n) + 1000n) % 1000n);
    inode.ctimeNs = nowNs();
  }

  async function check(): Promise<string> {
    if (rootState === "present") return `${roots}`;
    const [code, message] = ROOT_ERRORS[rootState];
    throw new TwinfoldError(code, message);
  }

  async function* read(path: LocalPath, expected: LocalStat, options: LocalReadOptions = {}): AsyncGenerator<Uint8Array> {
    const { offset = 0, length = Number.POSITIVE_INFINITY, into, signal } = options;
    const end = Math.min(expected.sizeBytes, offset + length);
    for (let at = offset; ; at += PIECE_BYTES) {
      signal?.throwIfAborted();
      await check();
      const inode = mustFind(path);
      if (!isAsExpected(statOf(inode), expected)) {
        throw new TwinfoldError("ERR_LOCAL_CHANGED", `${JSON.stringify(path)} is not what it was when it was looked at: look again, then read it`);
      }
      if (at >= end) return;
      const piece = inode.bytes.slice(at, Math.min(end, at + PIECE_BYTES));
      into?.set(piece, at - offset);
      yield into?.subarray(at - offset, at - offset + piece.length) ?? piece;
    }
  }

  function stagingOf(key: string): Staging {
    const held = () => staged.get(key) ?? { buffer: NO_BYTES, sizeBytes: 0, writtenAtMs: env.nowMs() };
    return {
      get sizeBytes() {
        return held().sizeBytes;
      },
      async read(offset, length) {
        const { buffer, sizeBytes } = held();
        return buffer.slice(offset, Math.min(sizeBytes, offset + length));
      },
      async truncate(sizeBytes) {
        staged.set(key, { buffer: held().buffer, sizeBytes: Math.min(sizeBytes, held().sizeBytes), writtenAtMs: env.nowMs() });
      },
      async append(bytes) {
        const { buffer, sizeBytes } = held();
        const end = sizeBytes + bytes.length;
        const roomy = end <= buffer.length ? buffer : new Uint8Array(Math.max(end, buffer.length * 2));
        if (roomy !== buffer) roomy.set(buffer);
        roomy.set(bytes, sizeBytes);
        staged.set(key, { buffer: roomy, sizeBytes: end, writtenAtMs: env.nowMs() });
      },
      async place(path, expected, attributes) {
        await check();
        assertReplaceable(path, expected);
        if (!isFree(path, expected)) return CHANGED;
        const inode = makeInode("file", { bytes: held().buffer.slice(0, held().sizeBytes) });
        setFileAttributes(inode, attributes);
        staged.delete(key);
        stagedKeys.delete(key);
        return replace(path, inode);
      },
      async close() {
        stagedKeys.delete(key);
      },
      async discard() {
        staged.delete(key);
        stagedKeys.delete(key);
      },
    };
  }

  function makeParents(path: string): void {
    const parent = parentPath(path as LocalPath);
    if (find(parent) === undefined) mkdir(parent);
  }

  function mkdir(path: string): void {
    if (find(path)?.kind === "directory") return;
    makeParents(path);
    attach(path, makeInode("directory"));
  }

  function write(path: string, content: Uint8Array | string, { executable }: { readonly executable?: boolean | undefined } = {}): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content.slice();
    const found = find(path);
    if (found?.kind !== "file") {
      makeParents(path);
      attach(path, makeInode("file", { bytes, executable: executable ?? false }));
      return;
    }
    found.bytes = bytes;
    if (executable !== undefined) found.executable = executable;
    touch(found);
    hint(path);
  }

  return {
    check,
    async names() {
      await check();
      return rules;
    },
    async list(path) {
      await check();
      const listed = (name: string) => (rules.listsDecomposed ? name.normalize("NFD") : name);
      const names = [...mustFind(path, "directory").children].map(([name, inode]): LocalEntry => ({ name: listed(name), stat: statOf(inode) }));
      const isText = ({ name }: LocalEntry) => !/[\ud800-\udfff]/u.test(name);
      return {
        entries: names.filter((entry) => isText(entry) && entry.name !== INTERNAL_NAME),
        problems: names.filter((entry) => !isText(entry)).map(({ name }) => ({ name, problem: "its name is not Unicode" })),
      };
    },
    async settle(path) {
      await check();
      mustFind(path, "directory");
    },
    async stat(path) {
      await check();
      const found = find(path);
      return found && statOf(found);
    },
    read,
    cut: (path, expected, options) => cutPieces(read(path, expected, options), expected.sizeBytes, env.sha256 ?? nobleSha256),
    async readLink(path) {
      await check();
      return mustFind(path, "symlink").target;
    },
    async stage(key) {
      await check();
      assertStagingKey(key);
      if (stagedKeys.has(key)) throw new TwinfoldError("ERR_IN_USE", `the download ${key} is being written already: close it first`);
      stagedKeys.add(key);
      if (!staged.has(key)) staged.set(key, { buffer: NO_BYTES, sizeBytes: 0, writtenAtMs: env.nowMs() });
      return stagingOf(key);
    },
    async makeDirectory(path) {
      await check();
      return isFree(path, undefined) ? attach(path, makeInode("directory")) : CHANGED;
    },
    async makeSymlink(path, target, expected) {
      await check();
      assertReplaceable(path, expected);
      return isFree(path, expected) ? replace(path, makeInode("symlink", { target })) : CHANGED;
    },
    async move(from, to, expected) {
      await check();
      assertMovable(from, to);
      const inode = find(from);
      if (inode === undefined || !isAsExpected(statOf(inode), expected)) return CHANGED;
      if (parentOf(to) === undefined || (find(to) ?? inode) !== inode) return CHANGED;
      detach(from);
      inode.ctimeNs = nowNs();
      return attach(to, inode);
    },
    async setAttributes(path, expected, attributes) {
      await check();
      const inode = find(path);
      if (inode?.kind !== "file" || !isAsExpected(statOf(inode), expected)) return CHANGED;
      setFileAttributes(inode, attributes);
      hint(path);
      return { kind: "done", stat: statOf(inode) };
    },
    async remove(path, expected, { forGood = false } = {}) {
      await check();
      const inode = find(path);
      if (inode === undefined || !isAsExpected(statOf(inode), expected) || inode.children.size > 0) return CHANGED;
      if (!forGood) discard(path, "removed");
      detach(path);
      return { kind: "done" };
    },
    async sync(paths) {
      await check();
      return paths.map((path) => (find(path)?.kind === "file" ? "durable" : "unreachable"));
    },
    async listTrash() {
      await check();
      return trash.map(({ entry: _kept, ...item }) => item);
    },
    async restoreFromTrash(trashId) {
      await check();
      const item = trash.find((one) => one.trashId === trashId);
      if (item === undefined) throw noSuchTrash(trashId);
      for (let attempt = 1; ; attempt++) {
        const path = restoredPath(item.path, attempt);
        if (find(path) !== undefined) continue;
        for (let at = parentPath(path); at !== ""; at = parentPath(at)) if ((find(at)?.kind ?? "directory") !== "directory") throw noParent(path);
        makeParents(path);
        const { entry } = item;
        const isLink = entry.kind === "symlink";
        const inode = isLink
          ? makeInode("symlink", { target: entry.target })
          : makeInode("file", entry.kind === "file" ? { bytes: entry.bytes } : {});
        if (entry.kind === "file") setFileAttributes(inode, entry);
        trash.splice(trash.indexOf(item), 1);
        attach(path, inode);
        return path;
      }
    },
    async tidy() {
      await check();
      const kept = trash.filter(({ atMs }) => env.nowMs() - atMs < TRASH_KEPT_MS);
      trash.splice(0, trash.length, ...kept);
      for (const [key, { writtenAtMs }] of staged) if (!stagedKeys.has(key) && env.nowMs() - writtenAtMs >= STAGING_KEPT_MS) staged.delete(key);
    },
    async watch(listener) {
      await check();
      const stop = source.on("hint", listener);
      return async () => stop();
    },
    async close() {},

    write,
    mkdir,
    symlink(path, target) {
      makeParents(path);
      attach(path, makeInode("symlink", { target }));
    },
    makeOther(path) {
      makeParents(path);
      attach(path, makeInode("other"));
    },
    rename(from, to) {
      assertMovable(from as LocalPath, to as LocalPath);
      const inode = mustFind(from);
      makeParents(to);
      detach(from);
      inode.ctimeNs = nowNs();
      attach(to, inode);
    },
    rm(path) {
      mustFind(path);
      detach(path);
    },
    chmod(path, executable) {
      const inode = mustFind(path, "file");
      inode.executable = executable;
      inode.ctimeNs = nowNs();
      hint(path);
    },
    files() {
      const seen = new Map<string, MemoryEntry>();
      const walk = (directory: Inode, prefix: string): void => {
        for (const [name, inode] of [...directory.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
          seen.set(prefix + name, entryOf(inode));
          walk(inode, `${prefix}${name}/`);
        }
      };
      walk(mustFind(ROOT_PATH), "");
      return new Map([...seen].sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    trashed: () => trash.map(({ path, entry }) => ({ path, entry })),
    setRoot(state) {
      rootState = state;
    },
    replaceRoot() {
      roots += 1;
      root = makeInode("directory");
    },
  };
}

function entryOf(inode: Inode): MemoryEntry {
  switch (inode.kind) {
    case "file":
      return { kind: "file", bytes: inode.bytes.slice(), executable: inode.executable, mtimeNs: inode.mtimeNs };
    case "symlink":
      return { kind: "symlink", target: inode.target };
    default:
      return { kind: inode.kind };
  }
}
