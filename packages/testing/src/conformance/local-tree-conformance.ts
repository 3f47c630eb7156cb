import {
  chunkBytes,
  chunkIdOf,
  chunkProfileFor,
  type LocalHint,
  type LocalPath,
  type LocalStat,
  type LocalTree,
  type Manifest,
  type MemoryEntry,
  nobleSha256,
  parsePath,
  ROOT_PATH,
} from "@twinfold/core";
import { assertBytes, assertEqual, assertRejects, assertTrue, rejectionOf } from "./assertions.js";
import { type Clause, type ConformanceOptions, describeClauses } from "./clauses.js";
import { patternedBytes, upTo } from "./samples.js";
import type { TestRunner } from "./test-runner.js";

type Awaitable<T> = T | Promise<T>;

/** The person at the keyboard: changes the folder behind the tree's back. A memory tree is one itself. Paths are names joined by `/`. */
export interface LocalEdit {
  /** In place, keeping the inode; makes the directories on the way. */
  write(path: string, content: Uint8Array | string, options?: { readonly executable?: boolean | undefined }): Awaitable<void>;
  mkdir(path: string): Awaitable<void>;
  symlink(path: string, target: string): Awaitable<void>;
  /** Replaces a file at `to`; makes the directories on the way. */
  rename(from: string, to: string): Awaitable<void>;
  /** With everything inside. */
  rm(path: string): Awaitable<void>;
  chmod(path: string, executable: boolean): Awaitable<void>;
  /** Every entry but the root and Twinfold's own folder. */
  files(): Awaitable<Map<string, MemoryEntry>>;
  /** Oldest first. */
  trashed(): Awaitable<ReadonlyArray<{ readonly path: string; readonly entry: MemoryEntry }>>;
  /** Takes the whole folder away, or puts another linked one in its place. */
  setRoot(state: "missing" | "foreign"): Awaitable<void>;
}

export interface EditableTree {
  readonly tree: LocalTree;
  readonly edit: LocalEdit;
  close(): Promise<void>;
}

const ATTRIBUTES = { executable: false, mtimeNs: 1_600_000_000_123_456_000n };
const MIB = 1024 * 1024;
const WRITERS = 32;

/** Names that a careless comparison confuses, and that every disk holds and tells apart. */
const ODD_NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "%",
  "_",
  "a%",
  "a_b",
  "axb",
  "'",
  "''",
  "'; DROP TABLE nodes; --",
  "\u{1f600}",
  "\uffee",
  " a",
  "1",
  "01",
  "1.0",
];

const at = parsePath;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function mustStat(tree: LocalTree, path: LocalPath): Promise<LocalStat> {
  const stat = await tree.stat(path);
  if (stat === undefined) throw new Error(`expected something at ${JSON.stringify(path)}`);
  return stat;
}

async function contentOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece.slice());
  const whole = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  for (let i = 0, end = 0; i < all.length; i++) {
    const piece = all[i] as Uint8Array;
    whole.set(piece, end);
    end += piece.length;
  }
  return whole;
}

/** The chunks of the whole file as `read` gives it. */
async function chunksOf(tree: LocalTree, path: LocalPath, stat: LocalStat): Promise<Manifest> {
  const bytes = await contentOf(tree.read(path, stat));
  let end = 0;
  return chunkBytes(bytes, chunkProfileFor(bytes.length)).map((lengthBytes) => {
    end += lengthBytes;
    return { chunkId: chunkIdOf(bytes.subarray(end - lengthBytes, end), nobleSha256), lengthBytes };
  });
}

async function place(tree: LocalTree, path: LocalPath, text: string, expected?: LocalStat) {
  const staging = await tree.stage("conformance");
  await staging.truncate(0);
  await staging.append(bytesOf(text));
  const outcome = await staging.place(path, expected, ATTRIBUTES);
  await staging.close();
  return outcome;
}

async function filesOf(edit: LocalEdit): Promise<Record<string, string>> {
  const described = [...(await edit.files())].map(([path, entry]): [string, string] => [path, describeEntry(entry)]);
  return Object.fromEntries(described);
}

async function trashOf(edit: LocalEdit): Promise<string[]> {
  return (await edit.trashed()).map(({ path, entry }) => `${path}: ${describeEntry(entry)}`);
}

function describeEntry(entry: MemoryEntry): string {
  if (entry.kind === "file") return new TextDecoder().decode(entry.bytes);
  return entry.kind === "symlink" ? `-> ${entry.target}` : entry.kind;
}

const CLAUSES = {
  "LT1 list gives every entry with its stat, and does not follow symlinks": {
    check: async ({ tree, edit }) => {
      await edit.write("a.txt", "hello", { executable: true });
      await edit.mkdir("folder");
      await edit.symlink("link", "folder");
      await (await tree.stage("makes-the-own-folder")).close();
      const { entries, problems } = await tree.list(ROOT_PATH);
      const seen = entries.map(({ name, stat }) => [name, stat.kind, stat.kind === "file" ? stat.sizeBytes : 0, stat.executable]);
      assertEqual(seen.sort(), [
        ["a.txt", "file", 5, true],
        ["folder", "directory", 0, false],
        ["link", "symlink", 0, false],
      ]);
      assertEqual(problems, []);
      for (const { name, stat } of entries) assertEqual(await tree.stat(at(name)), stat, name);
    },
  },
  "LT1 odd names are listed, found and moved as they are": {
    check: async ({ tree, edit }) => {
      for (const name of ODD_NAMES) await edit.write(name, name);
      const { entries, problems } = await tree.list(ROOT_PATH);
      assertEqual(new Set(entries.map(({ name }) => name)), new Set(ODD_NAMES));
      assertEqual(problems, []);
      assertEqual((await tree.makeDirectory(at("b"))).kind, "done");
      for (const name of ODD_NAMES) {
        const stat = await mustStat(tree, at(name));
        assertBytes(await contentOf(tree.read(at(name), stat)), bytesOf(name), name);
        assertEqual((await tree.move(at(name), at(`b/${name}`), stat)).kind, "done", name);
      }
      for (const none of ["a__", "valueOf", "A%"]) assertEqual(await tree.stat(at(none)), undefined, none);
      assertEqual(new Set((await tree.list(at("b"))).entries.map(({ name }) => name)), new Set(ODD_NAMES));
    },
  },
  "LT1 two equal stats mean that nothing was written in between": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "one");
      const first = await mustStat(tree, at("a"));
      assertEqual(await tree.stat(at("a")), first);
      await edit.write("a", "two");
      const second = await mustStat(tree, at("a"));
      assertTrue(second.ctimeNs !== first.ctimeNs && second.inode === first.inode, "another ctime, the same inode");
      await edit.rename("a", "b");
      assertEqual((await mustStat(tree, at("b"))).inode, first.inode);
    },
  },
  "LT2 read yields the file's bytes, whole or a range": {
    check: async ({ tree, edit }) => {
      const bytes = Uint8Array.from({ length: 2 * MIB + 5 }, (_, i) => (i * 31 + (i >> 10)) & 255);
      await edit.write("a", bytes);
      const stat = await mustStat(tree, at("a"));
      assertBytes(await contentOf(tree.read(at("a"), stat)), bytes);
      for (const [offset, length] of [
        [0, 1],
        [MIB - 1, 2],
        [2 * MIB, 100],
        [7, 0],
      ] as const) {
        assertBytes(await contentOf(tree.read(at("a"), stat, { offset, length })), bytes.slice(offset, offset + length), `${length} from ${offset}`);
      }
    },
  },
  "LT2 what is read into a room is the same, and nothing else there is touched": {
    check: async ({ tree, edit }) => {
      const bytes = patternedBytes(2 * MIB + 5);
      await edit.write("a", bytes);
      const stat = await mustStat(tree, at("a"));
      const into = new Uint8Array(bytes.length + 3).fill(255);
      let read = 7;
      for await (const piece of tree.read(at("a"), stat, { offset: 7, into: into.subarray(1) })) {
        assertBytes(piece, bytes.subarray(read, read + piece.length), `the piece from ${read}`);
        const isInPlace = piece.buffer === into.buffer;
        if (isInPlace) assertEqual(piece.byteOffset, into.byteOffset + 1 + read - 7, "place of a piece");
        read += piece.length;
      }
      assertEqual(read, bytes.length);
      assertEqual([into[0], into[into.length - 1]], [255, 255]);
    },
  },
  "LT2 read of a file that changed since it was looked at rejects": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "one");
      const stat = await mustStat(tree, at("a"));
      await edit.write("a", "two");
      await assertRejects(contentOf(tree.read(at("a"), stat)), "ERR_LOCAL_CHANGED");
      await edit.rm("a");
      await assertRejects(contentOf(tree.read(at("a"), stat)), "ERR_NOT_FOUND");
    },
  },
  "LT2 read of a file that changes meanwhile rejects before it ends": {
    check: async ({ tree, edit }) => {
      for (const change of ["write", "replace"] as const) {
        await edit.write("a", new Uint8Array(3 * MIB));
        const stat = await mustStat(tree, at("a"));
        const reading = async () => {
          let pieces = 0;
          for await (const _piece of tree.read(at("a"), stat)) {
            pieces += 1;
            if (pieces > 1) continue;
            await edit.write(change === "write" ? "a" : "b", new Uint8Array(3 * MIB).fill(1));
            if (change === "replace") await edit.rename("b", "a");
          }
        };
        await assertRejects(reading(), "ERR_LOCAL_CHANGED", change);
      }
    },
  },
  "LT2 an aborted read rejects with the signal's own reason": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "one");
      const reason = new Error("stop");
      const reading = tree.read(at("a"), await mustStat(tree, at("a")), { signal: AbortSignal.abort(reason) });
      assertEqual(await rejectionOf(contentOf(reading)), reason);
    },
  },
  "LT2 a read that is aborted on its way rejects with the signal's own reason": {
    check: async ({ tree, edit }) => {
      await edit.write("a", new Uint8Array(5 * MIB));
      const [controller, reason] = [new AbortController(), "a reason that is no error"];
      const reading = async () => {
        const stat = await mustStat(tree, at("a"));
        for await (const _piece of tree.read(at("a"), stat, { signal: controller.signal })) controller.abort(reason);
      };
      assertEqual(await rejectionOf(reading()), reason);
    },
  },
  "LT3 an empty file and one of 9 MiB are placed whole, from pieces of up to 4 MiB": {
    check: async ({ tree }) => {
      for (const sizeBytes of [0, 9 * MIB]) {
        const bytes = patternedBytes(sizeBytes);
        const staging = await tree.stage("conformance");
        for (let sent = 0; sent < sizeBytes; sent += 4 * MIB) await staging.append(bytes.subarray(sent, sent + 4 * MIB));
        assertEqual(staging.sizeBytes, sizeBytes);
        assertEqual((await staging.place(at(`${sizeBytes}`), undefined, ATTRIBUTES)).kind, "done");
        await staging.close();
        const stat = await mustStat(tree, at(`${sizeBytes}`));
        assertEqual(stat.sizeBytes, sizeBytes);
        assertBytes(await contentOf(tree.read(at(`${sizeBytes}`), stat)), bytes, `${sizeBytes} bytes`);
      }
    },
  },
  "LT3 place makes a new file with its attributes": {
    check: async ({ tree, edit }) => {
      await edit.mkdir("folder");
      const staging = await tree.stage("key");
      await staging.append(bytesOf("hel"));
      await staging.append(bytesOf("lo"));
      const outcome = await staging.place(at("folder/a"), undefined, { executable: true, mtimeNs: -1_234_567_891_234_567n });
      const stat = await mustStat(tree, at("folder/a"));
      assertEqual(outcome, { kind: "done", stat });
      assertEqual([stat.executable, stat.mtimeNs, stat.sizeBytes, stat.links], [true, -1_234_567_891_235_000n, 5, 1]);
      assertEqual(await filesOf(edit), { folder: "directory", "folder/a": "hello" });
    },
  },
  "LT3 place replaces a file, and the older one is in the trash": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "old");
      const outcome = await place(tree, at("a"), "new", await mustStat(tree, at("a")));
      assertEqual(outcome, { kind: "done", stat: await mustStat(tree, at("a")) });
      assertEqual(await filesOf(edit), { a: "new" });
      assertEqual(await trashOf(edit), ["a: old"]);
    },
  },
  "LT3 a staging file is found again by its key, until it is placed or discarded": {
    check: async ({ tree }) => {
      const first = await tree.stage("key");
      await first.append(bytesOf("hello"));
      await first.close();
      const second = await tree.stage("key");
      assertEqual(second.sizeBytes, 5);
      assertBytes(await second.read(1, 100), bytesOf("ello"));
      await second.truncate(2);
      await second.append(bytesOf("y"));
      assertBytes(await second.read(0, 3), bytesOf("hey"));
      assertEqual((await second.place(at("a"), undefined, ATTRIBUTES)).kind, "done");
      const third = await tree.stage("key");
      assertEqual(third.sizeBytes, 0);
      await third.append(bytesOf("x"));
      await third.discard();
      const fourth = await tree.stage("key");
      assertEqual(fourth.sizeBytes, 0);
      await fourth.discard();
      await assertRejects(tree.stage("../key"), "ERR_INVALID_ARGUMENT");
    },
  },
  "LT3 a staging file has one writer at a time": {
    check: async ({ tree }) => {
      const first = await tree.stage("key");
      await assertRejects(tree.stage("key"), "ERR_IN_USE");
      await first.close();
      await first.close();
      const second = await tree.stage("key");
      assertEqual((await second.place(at("a"), undefined, ATTRIBUTES)).kind, "done");
      await (await tree.stage("key")).discard();
    },
  },
  "LT4 place does nothing when the path is not as expected, and can be tried again": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "one");
      const older = await mustStat(tree, at("a"));
      await edit.write("a", "two");
      assertEqual(await place(tree, at("a"), "new", older), { kind: "changed" }, "written since");
      assertEqual(await place(tree, at("a"), "new", undefined), { kind: "changed" }, "not absent");
      assertEqual(await place(tree, at("b"), "new", older), { kind: "changed" }, "absent");
      assertEqual(await place(tree, at("nowhere/b"), "new", undefined), { kind: "changed" }, "no parent");
      assertEqual(await place(tree, at("a/b"), "new", undefined), { kind: "changed" }, "a file as parent");
      assertEqual([await filesOf(edit), await trashOf(edit)], [{ a: "two" }, []]);
      const staging = await tree.stage("conformance");
      assertBytes(await staging.read(0, 10), bytesOf("new"));
      assertEqual(await staging.place(at("b"), older, ATTRIBUTES), { kind: "changed" });
      assertEqual((await staging.place(at("a"), await mustStat(tree, at("a")), ATTRIBUTES)).kind, "done");
      assertEqual(await filesOf(edit), { a: "new" });
    },
  },
  "LT4 of 32 that come at once to one free path one is done, and the others change nothing": {
    check: async ({ tree, edit }) => {
      const stagings = await Promise.all(upTo(WRITERS).map((n) => tree.stage(`writer-${n}`)));
      await Promise.all(stagings.map((staging, i) => staging.append(bytesOf(`writer ${i}`))));
      const placed = await Promise.all(stagings.map((staging) => staging.place(at("a"), undefined, ATTRIBUTES)));
      for (const staging of stagings) await staging.close();
      const made = await Promise.all(upTo(WRITERS).map(() => tree.makeDirectory(at("folder"))));
      for (const outcomes of [placed, made]) assertEqual(outcomes.filter(({ kind }) => kind === "done").length, 1);
      const winner = placed.findIndex(({ kind }) => kind === "done");
      assertEqual(await filesOf(edit), { a: `writer ${winner}`, folder: "directory" });
      assertEqual(await trashOf(edit), []);
    },
  },
  "LT4 a chmod counts as a change, and a directory is never replaced": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "one");
      const stat = await mustStat(tree, at("a"));
      await edit.chmod("a", true);
      assertEqual(await place(tree, at("a"), "new", stat), { kind: "changed" });
      await edit.mkdir("folder");
      await assertRejects(place(tree, at("folder"), "new", await mustStat(tree, at("folder"))), "ERR_INVALID_ARGUMENT");
      await assertRejects(tree.makeSymlink(at("folder"), "a", await mustStat(tree, at("folder"))), "ERR_INVALID_ARGUMENT");
      assertEqual(await filesOf(edit), { a: "one", folder: "directory" });
    },
  },
  "LT4 makeDirectory makes one, only where nothing is": {
    check: async ({ tree, edit }) => {
      assertEqual(await tree.makeDirectory(at("folder")), { kind: "done", stat: await mustStat(tree, at("folder")) });
      assertEqual(await tree.makeDirectory(at("folder")), { kind: "changed" });
      assertEqual(await tree.makeDirectory(at("nowhere/folder")), { kind: "changed" });
      assertEqual(await filesOf(edit), { folder: "directory" });
    },
  },
  "LT4 makeSymlink makes or replaces, as expected only": {
    check: async ({ tree, edit }) => {
      assertEqual(await tree.makeSymlink(at("link"), "some/where", undefined), { kind: "done", stat: await mustStat(tree, at("link")) });
      assertEqual(await tree.readLink(at("link")), "some/where");
      assertEqual(await tree.makeSymlink(at("link"), "else", undefined), { kind: "changed" });
      assertEqual((await tree.makeSymlink(at("link"), "../out", await mustStat(tree, at("link")))).kind, "done");
      await edit.write("a", "text");
      assertEqual((await tree.makeSymlink(at("a"), "b", await mustStat(tree, at("a")))).kind, "done");
      assertEqual((await place(tree, at("link"), "file", await mustStat(tree, at("link")))).kind, "done");
      assertEqual(await filesOf(edit), { a: "-> b", link: "file" });
      assertEqual(await trashOf(edit), ["link: -> some/where", "a: text", "link: -> ../out"]);
    },
  },
  "LT4 move moves files, symlinks and whole directories, and never replaces": {
    check: async ({ tree, edit }) => {
      await edit.write("folder/a", "one");
      await edit.write("b", "two");
      const folder = await mustStat(tree, at("folder"));
      const moved = await tree.move(at("folder"), at("moved"), folder);
      assertEqual(moved, { kind: "done", stat: await mustStat(tree, at("moved")) });
      const a = await mustStat(tree, at("moved/a"));
      assertEqual(await tree.move(at("moved/a"), at("b"), a), { kind: "changed" }, "something is there");
      await edit.write("moved/a", "new");
      assertEqual(await tree.move(at("moved/a"), at("c"), a), { kind: "changed" }, "written since");
      assertEqual(await tree.move(at("moved/a"), at("nowhere/c"), await mustStat(tree, at("moved/a"))), { kind: "changed" }, "no parent");
      assertEqual((await tree.move(at("moved/a"), at("c"), await mustStat(tree, at("moved/a")))).kind, "done");
      await assertRejects(tree.move(at("moved"), at("moved/inside"), await mustStat(tree, at("moved"))), "ERR_INVALID_ARGUMENT");
      assertEqual([await filesOf(edit), await trashOf(edit)], [{ b: "two", c: "new", moved: "directory" }, []]);
    },
  },
  "LT4 setAttributes sets exec bit and mtime of the expected file only": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "one");
      const stat = await mustStat(tree, at("a"));
      const set = await tree.setAttributes(at("a"), stat, { executable: true, mtimeNs: 1_700_000_000_000_001_999n });
      const now = await mustStat(tree, at("a"));
      assertEqual(set, { kind: "done", stat: now });
      assertEqual([now.executable, now.mtimeNs], [true, 1_700_000_000_000_001_000n]);
      assertEqual(await tree.setAttributes(at("a"), stat, ATTRIBUTES), { kind: "changed" });
      assertEqual((await tree.setAttributes(at("a"), now, ATTRIBUTES)).kind, "done");
      assertEqual((await mustStat(tree, at("a"))).executable, false);
      assertEqual(await filesOf(edit), { a: "one" });
    },
  },
  "LT5 remove moves files and symlinks to the trash": {
    check: async ({ tree, edit }) => {
      await edit.write("folder/a", "one");
      await edit.symlink("link", "folder");
      const a = await mustStat(tree, at("folder/a"));
      await edit.write("folder/a", "two");
      assertEqual(await tree.remove(at("folder/a"), a), { kind: "changed" });
      assertEqual(await tree.remove(at("folder/a"), await mustStat(tree, at("folder/a"))), { kind: "done" });
      assertEqual(await tree.remove(at("link"), await mustStat(tree, at("link"))), { kind: "done" });
      assertEqual(await tree.remove(at("link"), a), { kind: "changed" });
      assertEqual([await filesOf(edit), await trashOf(edit)], [{ folder: "directory" }, ["folder/a: two", "link: -> folder"]]);
    },
  },
  "LT13 listTrash tells what was taken away: the path that it had, when, why and how large": {
    check: async ({ tree, edit }) => {
      assertEqual(await tree.listTrash(), []);
      await edit.write("dir/a.txt", "first");
      await edit.symlink("link", "dir/a.txt");
      await place(tree, at("dir/a.txt"), "second", await mustStat(tree, at("dir/a.txt")));
      await tree.remove(at("dir/a.txt"), await mustStat(tree, at("dir/a.txt")));
      await tree.remove(at("link"), await mustStat(tree, at("link")));
      const items = await tree.listTrash();
      assertEqual(
        items.map(({ path, reason, kind }) => [path, reason, kind]),
        [
          ["dir/a.txt", "replaced", "file"],
          ["dir/a.txt", "removed", "file"],
          ["link", "removed", "symlink"],
        ],
      );
      assertEqual([items[0]?.sizeBytes, items[1]?.sizeBytes], [5, 6]);
      assertEqual(new Set(items.map(({ trashId }) => trashId)).size, 3);
      for (const [index, { atMs }] of items.entries()) assertTrue(atMs >= (items[index - 1]?.atMs ?? 0), "oldest first");
    },
  },
  "LT13 restoreFromTrash puts a thing back at its path with its attributes, and makes the directories on the way": {
    check: async ({ tree, edit }) => {
      await edit.write("a/b/run.sh", "text", { executable: true });
      await edit.symlink("link", "nowhere");
      const before = (await edit.files()).get("a/b/run.sh");
      await tree.remove(at("a/b/run.sh"), await mustStat(tree, at("a/b/run.sh")));
      await tree.remove(at("link"), await mustStat(tree, at("link")));
      await edit.rm("a");
      const [file, link] = await tree.listTrash();
      assertEqual(await tree.restoreFromTrash(file?.trashId ?? ""), "a/b/run.sh");
      assertEqual(await tree.restoreFromTrash(link?.trashId ?? ""), "link");
      assertEqual(await filesOf(edit), { a: "directory", "a/b": "directory", "a/b/run.sh": "text", link: "-> nowhere" });
      const after = (await edit.files()).get("a/b/run.sh");
      if (before?.kind === "file" && after?.kind === "file") assertEqual(after.executable, before.executable);
      assertEqual(await tree.listTrash(), []);
      await assertRejects(tree.restoreFromTrash(file?.trashId ?? ""), "ERR_NOT_FOUND");
      await assertRejects(tree.restoreFromTrash("../staging"), "ERR_NOT_FOUND");
    },
  },
  "LT13 restoreFromTrash never replaces: it takes the next free name": {
    check: async ({ tree, edit }) => {
      for (const text of ["one", "two", "three"]) {
        await edit.write("a.txt", text);
        await tree.remove(at("a.txt"), await mustStat(tree, at("a.txt")));
      }
      await edit.mkdir("a.txt");
      const paths: string[] = [];
      for (const { trashId } of await tree.listTrash()) paths.push(await tree.restoreFromTrash(trashId));
      assertEqual(paths, ["a (restored).txt", "a (restored) 2.txt", "a (restored) 3.txt"]);
      assertEqual(await filesOf(edit), {
        "a.txt": "directory",
        "a (restored).txt": "one",
        "a (restored) 2.txt": "two",
        "a (restored) 3.txt": "three",
      });
    },
  },
  "LT13 restoreFromTrash goes through no file or symlink that has taken a directory's place, and keeps what it cannot put back": {
    check: async ({ tree, edit }) => {
      await edit.write("dir/a.txt", "text");
      await tree.remove(at("dir/a.txt"), await mustStat(tree, at("dir/a.txt")));
      await edit.rm("dir");
      await edit.mkdir("elsewhere");
      await edit.symlink("dir", "elsewhere");
      const [item] = await tree.listTrash();
      await assertRejects(tree.restoreFromTrash(item?.trashId ?? ""), "ERR_LOCAL_FAILED");
      assertEqual((await tree.listTrash()).length, 1);
      assertEqual(await filesOf(edit), { dir: "-> elsewhere", elsewhere: "directory" });
    },
  },
  "LT14 tidy leaves what is new in the trash, and a download that may go on": {
    check: async ({ tree, edit }) => {
      await edit.write("a.txt", "text");
      await tree.remove(at("a.txt"), await mustStat(tree, at("a.txt")));
      const staging = await tree.stage("going-on");
      await staging.append(bytesOf("half"));
      await staging.close();
      await tree.tidy();
      assertEqual((await tree.listTrash()).length, 1);
      const again = await tree.stage("going-on");
      assertEqual(again.sizeBytes, 4);
      await again.discard();
    },
  },
  "LT5 what is removed for good is not in the trash, and stays when it was changed": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "one");
      const a = await mustStat(tree, at("a"));
      await edit.write("a", "two");
      assertEqual(await tree.remove(at("a"), a, { forGood: true }), { kind: "changed" });
      assertEqual(await filesOf(edit), { a: "two" });
      assertEqual(await tree.remove(at("a"), await mustStat(tree, at("a")), { forGood: true }), { kind: "done" });
      assertEqual([await filesOf(edit), await trashOf(edit)], [{}, []]);
    },
  },
  "LT6 nothing goes through a symlink on the way": {
    check: async ({ tree, edit }) => {
      await edit.write("real/a", "one");
      await edit.mkdir("real/folder");
      await edit.write("b", "two");
      await edit.symlink("link", "real");
      const [a, b, folder] = [await mustStat(tree, at("real/a")), await mustStat(tree, at("b")), await mustStat(tree, at("real/folder"))];
      assertEqual(await tree.stat(at("link/a")), undefined);
      await assertRejects(tree.list(at("link")), "ERR_NOT_FOUND", "list");
      await assertRejects(contentOf(tree.read(at("link/a"), a)), "ERR_NOT_FOUND", "read");
      await assertRejects(tree.cut(at("link/a"), a), "ERR_NOT_FOUND", "cut");
      await assertRejects(tree.readLink(at("link/a")), "ERR_NOT_FOUND", "readLink");
      const changed = { kind: "changed" } as const;
      assertEqual(await place(tree, at("link/new"), "new"), changed, "place");
      assertEqual(await place(tree, at("link/a"), "new", a), changed, "place over");
      assertEqual(await tree.makeDirectory(at("link/new")), changed, "makeDirectory");
      assertEqual(await tree.makeSymlink(at("link/new"), "x", undefined), changed, "makeSymlink");
      assertEqual(await tree.move(at("b"), at("link/b"), b), changed, "move in");
      assertEqual(await tree.move(at("link/a"), at("a"), a), changed, "move out");
      assertEqual(await tree.setAttributes(at("link/a"), a, ATTRIBUTES), changed, "setAttributes");
      assertEqual(await tree.remove(at("link/a"), a), changed, "remove");
      assertEqual(await tree.remove(at("link/folder"), folder), changed, "remove a directory");
      assertEqual(await filesOf(edit), { b: "two", link: "-> real", real: "directory", "real/a": "one", "real/folder": "directory" });
    },
  },
  "LT7 remove takes an empty directory, and no other": {
    check: async ({ tree, edit }) => {
      await edit.write("folder/a", "one");
      const folder = await mustStat(tree, at("folder"));
      assertEqual(await tree.remove(at("folder"), folder), { kind: "changed" });
      assertEqual(await filesOf(edit), { folder: "directory", "folder/a": "one" });
      await edit.rm("folder/a");
      assertEqual(await tree.remove(at("folder"), folder), { kind: "done" });
      assertEqual(await filesOf(edit), {});
    },
  },
  "LT8 every call rejects when the folder is gone": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "one");
      await checkRefused(tree, await mustStat(tree, at("a")), () => edit.setRoot("missing"), "ERR_ROOT_MISSING");
    },
  },
  "LT8 every call rejects when the folder is another one": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "one");
      await checkRefused(tree, await mustStat(tree, at("a")), () => edit.setRoot("foreign"), "ERR_ROOT_FOREIGN");
    },
  },
  "LT9 absence is undefined in stat and ERR_NOT_FOUND elsewhere": {
    check: async ({ tree, edit }) => {
      await edit.write("a", "one");
      assertEqual(await tree.stat(at("b")), undefined);
      assertEqual(await tree.stat(at("a/b")), undefined);
      assertEqual((await mustStat(tree, ROOT_PATH)).kind, "directory");
      await assertRejects(tree.list(at("b")), "ERR_NOT_FOUND");
      await assertRejects(tree.list(at("a")), "ERR_NOT_FOUND");
      await assertRejects(tree.readLink(at("b")), "ERR_NOT_FOUND");
      await assertRejects(tree.readLink(at("a")), "ERR_NOT_FOUND");
      await assertRejects(contentOf(tree.read(at("b"), await mustStat(tree, at("a")))), "ERR_NOT_FOUND");
    },
  },
  "LT10 watch names the directory in which something was made, written, renamed or removed": {
    check: async ({ tree, edit }) => {
      await edit.write("folder/a", "one");
      await edit.write("elsewhere/x", "x");
      const hints = await watched(tree);
      await edit.write("folder/a", "two");
      await hints.until(at("folder"));
      await edit.write("folder/new/deep", "three");
      await hints.until(at("folder/new"));
      await edit.rename("folder/new", "elsewhere/new");
      await hints.until(at("elsewhere/new"));
      await edit.rm("elsewhere/x");
      await hints.until(at("elsewhere"));
      await place(tree, at("placed"), "four");
      await hints.until(ROOT_PATH);
      await hints.stop();
    },
  },
  "LT11 two names that the disk takes for one are one entry, under its last spelling": {
    check: async ({ tree, edit }) => {
      const rules = await tree.names();
      assertEqual(await tree.names(), rules, "asked again");
      for (const [given, other, isOne] of [
        ["read.me", "READ.me", rules.foldsCase],
        ["caf\u00e9", "cafe\u0301", rules.foldsNormalization],
      ] as const) {
        await edit.write(given, "one");
        const stat = await mustStat(tree, at(given));
        assertEqual(await tree.stat(at(other)), isOne ? stat : undefined, other);
        assertEqual((await tree.makeDirectory(at(other))).kind, isOne ? "changed" : "done", other);
        const listed = (name: string) => (rules.listsDecomposed ? name.normalize("NFD") : name);
        const names = (await tree.list(ROOT_PATH)).entries.map(({ name }) => name);
        assertEqual(names.sort(), (isOne ? [given] : [given, other]).map(listed).sort());
        for (const name of isOne ? [given] : [given, other]) await edit.rm(name);
      }
    },
  },
  "LT11 names of the greatest length can be made": {
    check: async ({ tree, edit }) => {
      const { maxNameBytes } = await tree.names();
      const name = "n".repeat(maxNameBytes);
      assertEqual((await place(tree, at(name), "new")).kind, "done");
      assertEqual(await filesOf(edit), { [name]: "new" });
    },
  },
  "LT12 move to another spelling changes a file's and a directory's name, and never replaces": {
    check: async ({ tree, edit }) => {
      const { foldsCase } = await tree.names();
      await edit.write("read.me", "one");
      await edit.write("folder/inner", "two");
      assertEqual((await tree.move(at("read.me"), at("READ.me"), await mustStat(tree, at("read.me")))).kind, "done");
      assertEqual((await tree.move(at("folder"), at("Folder"), await mustStat(tree, at("folder")))).kind, "done");
      const expected = { Folder: "directory", "Folder/inner": "two", "READ.me": "one" };
      assertEqual(await filesOf(edit), expected);
      if (foldsCase) return;
      await edit.write("read.me", "other");
      assertEqual((await tree.move(at("read.me"), at("READ.me"), await mustStat(tree, at("read.me")))).kind, "changed");
      assertEqual(await filesOf(edit), { ...expected, "read.me": "other" });
    },
  },
  "LT15 check gives one stamp, whatever happens in the folder": {
    check: async ({ tree, edit }) => {
      const stamp = await tree.check();
      await edit.write("a", "one");
      assertEqual((await place(tree, at("b"), "two")).kind, "done");
      assertEqual((await tree.remove(at("a"), await mustStat(tree, at("a")))).kind, "done");
      assertEqual(await tree.check(), stamp);
      assertEqual(stamp.length > 0 && bytesOf(stamp).length <= 64, true, "its length");
    },
  },
  "LT16 settle is for directories that are there, the root and all that is below it": {
    check: async ({ tree, edit }) => {
      await edit.write("folder/inner", "one");
      await tree.settle(ROOT_PATH);
      await tree.settle(at("folder"));
      await assertRejects(tree.settle(at("absent")), "ERR_NOT_FOUND");
      await assertRejects(tree.settle(at("folder/absent")), "ERR_NOT_FOUND");
      assertEqual(await filesOf(edit), { folder: "directory", "folder/inner": "one" });
    },
  },
  "LT17 cut gives the chunks of what read gives": {
    check: async ({ tree, edit }) => {
      for (const sizeBytes of [0, 1, 64 * 1024 + 1, 256 * 1024, 256 * 1024 + 1, MIB, 5 * MIB + 3]) {
        await edit.write("a", patternedBytes(sizeBytes));
        const stat = await mustStat(tree, at("a"));
        const manifest = await tree.cut(at("a"), stat);
        assertEqual(manifest, await chunksOf(tree, at("a"), stat), `${sizeBytes} bytes`);
        assertEqual(manifest.length > 0, sizeBytes > 0);
      }
    },
  },
  "LT17 cuts that run at once do not mix": {
    check: async ({ tree, edit }) => {
      const sizes = [3 * MIB, 17, 2 * MIB + 1, 300 * 1024, 0];
      for (const sizeBytes of sizes) await edit.write(`${sizeBytes}`, patternedBytes(sizeBytes).fill(sizeBytes & 255, 0, 1_000));
      const stats = await Promise.all(sizes.map((sizeBytes) => mustStat(tree, at(`${sizeBytes}`))));
      const cut = (index: number) => tree.cut(at(`${sizes[index]}`), stats[index] as LocalStat);
      const together = await Promise.all(sizes.map((_, index) => cut(index)));
      for (const [index, manifest] of together.entries()) {
        assertEqual(manifest, await chunksOf(tree, at(`${sizes[index]}`), stats[index] as LocalStat), `${sizes[index]} bytes`);
      }
    },
  },
  "LT17 cut of a file that changed since it was looked at rejects": {
    check: async ({ tree, edit }) => {
      for (const sizeBytes of [3, 3 * MIB]) {
        await edit.write("a", new Uint8Array(sizeBytes));
        const stat = await mustStat(tree, at("a"));
        await edit.write("a", new Uint8Array(sizeBytes).fill(1));
        await assertRejects(tree.cut(at("a"), stat), "ERR_LOCAL_CHANGED", `${sizeBytes} bytes`);
        await edit.rm("a");
        await assertRejects(tree.cut(at("a"), stat), "ERR_NOT_FOUND");
      }
    },
  },
  "LT17 an aborted cut rejects with the signal's own reason, before it begins or on its way": {
    check: async ({ tree, edit }) => {
      for (const sizeBytes of [3, 5 * MIB]) {
        await edit.write("a", patternedBytes(sizeBytes));
        const stat = await mustStat(tree, at("a"));
        const reason = new Error("stop");
        assertEqual(await rejectionOf(tree.cut(at("a"), stat, { signal: AbortSignal.abort(reason) })), reason);
        const [controller, later] = [new AbortController(), "a reason that is no error"];
        const cutting = rejectionOf(tree.cut(at("a"), stat, { signal: controller.signal }));
        controller.abort(later);
        assertEqual(await cutting, later);
        assertEqual(await tree.cut(at("a"), stat), await chunksOf(tree, at("a"), stat), "the next one");
      }
    },
  },
  "LT18 the digest of a directory is that of its listing, and the same as long as nothing in it changes": {
    check: async ({ tree, edit }) => {
      if (tree.digest === undefined) return;
      for (const name of ODD_NAMES) await edit.write(`b/${name}`, name);
      await edit.mkdir("b/folder");
      await edit.symlink("b/link", "folder");
      const digest = await tree.digest(at("b"));
      assertTrue(digest !== undefined && digest.length > 0 && digest.length <= 64, "1 to 64 bytes");
      assertEqual((await tree.list(at("b"))).digest, digest);
      await edit.write("b/folder/deep", "changes the folder's times");
      await edit.write("c", "changes the directory above");
      assertEqual(await tree.digest(at("b")), digest);
      assertEqual(await tree.digest(at("b/folder")), (await tree.list(at("b/folder"))).digest, "another directory");
    },
  },
  "LT18 the digest of a directory is another one after every change in it": {
    check: async ({ tree, edit }) => {
      if (tree.digest === undefined) return;
      await edit.write("b/a", "one");
      await edit.write("elsewhere", "one");
      await edit.mkdir("b/folder");
      const changes: Readonly<Record<string, () => Awaitable<void>>> = {
        "a file comes": () => edit.write("b/new", ""),
        "a file is written, and is as long as before": () => edit.write("b/a", "two"),
        "a file is made executable": () => edit.chmod("b/a", true),
        "a file is replaced by one that is as long": () => edit.rename("elsewhere", "b/a"),
        "a file is renamed": () => edit.rename("b/new", "b/newer"),
        "a file goes": () => edit.rm("b/newer"),
        "a symlink comes": () => edit.symlink("b/link", "a"),
        "a directory is put in the place of another one": async () => {
          await edit.mkdir("other");
          await edit.rm("b/folder");
          await edit.rename("other", "b/folder");
        },
        "a directory goes": () => edit.rm("b/folder"),
      };
      const seen = new Set<string>();
      const note = async (what: string): Promise<void> => {
        const digest = await tree.digest?.(at("b"));
        assertEqual((await tree.list(at("b"))).digest, digest, what);
        const text = String(digest);
        assertTrue(!seen.has(text), `another digest when ${what}`);
        seen.add(text);
      };
      await note("nothing has changed yet");
      for (const [what, change] of Object.entries(changes)) {
        await change();
        await note(what);
      }
    },
  },
  "LT18 the digest of what is no directory rejects as its listing does": {
    check: async ({ tree, edit }) => {
      if (tree.digest === undefined) return;
      await edit.write("a", "one");
      await edit.symlink("link", ".");
      for (const path of ["a", "b", "link"]) await assertRejects(tree.digest(at(path)), "ERR_NOT_FOUND", path);
    },
  },
  "LT19 sync tells which files are durable, whoever wrote them, and changes nothing": {
    check: async ({ tree, edit }) => {
      await edit.mkdir("folder");
      const staging = await tree.stage("conformance");
      await staging.append(bytesOf("placed"));
      const outcome = await staging.place(at("folder/placed"), undefined, ATTRIBUTES, { durable: false });
      await edit.write("written", "by hand");
      const paths = ["written", "folder/placed", "absent", "folder", "written/below"].map(at);
      const before = await Promise.all(paths.map(async (path) => await tree.stat(path)));
      assertEqual(await tree.sync(paths), ["durable", "durable", "unreachable", "unreachable", "unreachable"]);
      assertEqual(await Promise.all(paths.map(async (path) => await tree.stat(path))), before);
      assertEqual(outcome, { kind: "done", stat: await mustStat(tree, at("folder/placed")) });
      assertEqual(await tree.sync([]), []);
    },
  },
} satisfies Record<string, Clause<EditableTree>>;

async function checkRefused(
  tree: LocalTree,
  a: LocalStat,
  take: () => Awaitable<void>,
  code: "ERR_ROOT_MISSING" | "ERR_ROOT_FOREIGN",
): Promise<void> {
  const staging = await tree.stage("key");
  await staging.append(bytesOf("new"));
  await take();
  const calls: Record<string, () => Promise<unknown>> = {
    check: () => tree.check(),
    names: () => tree.names(),
    list: () => tree.list(ROOT_PATH),
    digest: () => (tree.digest === undefined ? tree.list(ROOT_PATH) : tree.digest(ROOT_PATH)),
    settle: () => tree.settle(ROOT_PATH),
    stat: () => tree.stat(at("a")),
    read: () => contentOf(tree.read(at("a"), a)),
    cut: () => tree.cut(at("a"), a),
    readLink: () => tree.readLink(at("a")),
    stage: () => tree.stage("other"),
    place: () => staging.place(at("b"), undefined, ATTRIBUTES),
    makeDirectory: () => tree.makeDirectory(at("b")),
    makeSymlink: () => tree.makeSymlink(at("b"), "c", undefined),
    move: () => tree.move(at("a"), at("b"), a),
    setAttributes: () => tree.setAttributes(at("a"), a, ATTRIBUTES),
    remove: () => tree.remove(at("a"), a),
    watch: () => tree.watch(() => {}),
  };
  for (const [name, call] of Object.entries(calls)) await assertRejects(call(), code, name);
  await staging.close();
}

/** Waits for hints, not for time. A hint for everything is one for each directory. */
async function watched(tree: LocalTree) {
  let seen: LocalHint[] = [];
  let wake = (): void => {};
  const stop = await tree.watch((hint) => {
    seen.push(hint);
    wake();
  });
  return {
    stop,
    async until(path: LocalPath): Promise<void> {
      const isNamed = (hint: LocalHint) => hint.kind === "everything" || hint.path === path;
      while (!seen.some(isNamed)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      seen = [];
    },
  };
}

export type LocalTreeClause = keyof typeof CLAUSES;

/** Checks every numbered guarantee of `LocalTree`, with a person at the keyboard who edits in between. */
export function localTreeConformance(runner: TestRunner, options: ConformanceOptions<EditableTree, LocalTreeClause>): void {
  describeClauses(runner, "LocalTree conformance", CLAUSES, options);
}
