import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, realpathSync } from "node:fs";
import { join, normalize, sep } from "node:path";
import { createFsLocalTree, createNodeEnv, createNodeFileSystem, initializeRoot } from "@twinfold/adapter-fs";
import { ANY_NAME, type Content, createMemoryReplicaStore, createReplica, isTwinfoldError, type NameRules, type NodeId } from "@twinfold/core";
import { type FileSystemCall, hookedFileSystem } from "@twinfold/testing";
import { describe, expect, it } from "vitest";
import { foldingFileSystem } from "./folding-file-system.js";
import { createHostileHub, EMPTY_FILE, nodeIdOf, passes, ROOT_NODE, WORKSPACE } from "./hostile-hub.js";
import { DISKS, temporaryFolder } from "./temporary-folder.js";

/** Names that are tried in one run, shared out over the disks below. */
const NAMES = Number(process.env.RUNS ?? (process.env.CI === "true" ? 100_000 : 2_000));
const SEED = Number(process.env.SEED ?? 1);
/** Nodes of one folder. */
const BATCH = 400;

const PARTS = [
  "..",
  ".",
  "/",
  "\\",
  "\0",
  "C:",
  "\\\\server\\share",
  "//server/share",
  "/etc/passwd",
  "~",
  "~1",
  "CON",
  "aux",
  "com1",
  "NUL",
  ".tar.gz",
  ".txt",
  " ",
  ":",
  "::$INDEX_ALLOCATION",
  ":$DATA",
  '<>|"?*',
  "\u0001",
  "\n",
  "\u202e",
  "\u2066",
  "\u200b",
  "\u200c",
  "\u00ad",
  "\ufeff",
  "\ud800",
  "e\u0301",
  "\u00e9",
  "\u212a",
  "\u0130",
  "\u0131",
  "\ufb01",
  "__proto__",
  "constructor",
  "toString",
  ".twinfold",
  ".TWINFOLD",
  ".TwinFold",
  ".tw\u0131nfold",
  ".twin\u200cfold",
  ".twin\u200bfold",
  ".twinfold.",
  ".twinfold ",
  "TWINFO~1",
  "SYNC~1",
  "root.json",
  "staging",
  "trash",
  "%2e%2e%2f",
  "%2E",
  "%43ON",
  " (alias 0123abcd)",
  ".moving",
  "x".repeat(100),
  "x".repeat(255),
  "x".repeat(300),
  "\u00fc".repeat(127),
  "\ud83d\ude00".repeat(63),
  "$(touch gone)",
  "-rf",
  "a",
  "A",
  "b",
];
const TARGETS = ["/etc", "..", "../..", "../outside", "/", ".", "dangling", "a/../../outside", ".twinfold", ".twinfold/trash"];

/** Numbers in a fixed order, four bytes each of a counter's SHA-256. */
function createDice(seed: string): (sides: number) => number {
  let rolled = 0;
  return (sides) => {
    rolled += 1;
    return createHash("sha256").update(`${seed}:${rolled}`).digest().readUInt32BE(0) % sides;
  };
}

function hostileName(roll: (sides: number) => number): string {
  const count = 1 + roll(3);
  let name = "";
  for (let part = 0; part < count; part++) name += PARTS[roll(PARTS.length)];
  return roll(8) === 0 ? name.normalize("NFD") : roll(8) === 0 ? name.toUpperCase() : name;
}

/** Names of Twinfold's own folder, and of what may be in it. */
const OWN = /^\.twinfold(?:[\\/](?:root\.json|staging(?:[\\/][a-z0-9-]+|[\\/]probe-.*)?|trash(?:[\\/].*)?))?$/isu;

/** What Windows would do with one component, by its documentation and not by our code. */
function isSafeOnWindows(name: string): boolean {
  const isShort = /^[^.]{2,8}(\.[^.]{0,3})?$/.test(name) && /~\d+(\.|$)/.test(name);
  const isDevice = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])\s*(\.|$)/i.test(name);
  return !/[<>:"|?*\\]/.test(name) && ![...name].some((character) => character < " ") && !/[. ]$/.test(name) && !isDevice && !isShort;
}

function watchCalls(root: string, rules: NameRules): { readonly onCall: (call: FileSystemCall) => void; readonly escapes: string[] } {
  const escapes: string[] = [];
  // Elsewhere a backslash is a letter like any other: what follows `.twinfold` with one is a name in the root.
  const own = rules.reserved === "windows" ? /^\.twinfold([\\/]|$)/ : /^\.twinfold(\/|$)/;
  const look = (operation: string, path: string): void => {
    if (path === root) return;
    const inside = path.startsWith(root + sep) ? path.slice(root.length + 1) : undefined;
    if (inside === undefined || normalize(path) !== path || path.includes("\0")) escapes.push(`${operation} ${JSON.stringify(path)} is outside`);
    else if (own.test(inside)) {
      if (!OWN.test(inside)) escapes.push(`${operation} ${JSON.stringify(path)} is in Twinfold's own folder, and none of its own`);
    } else {
      for (const name of inside.split(sep)) {
        const plain = name
          .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
          .toUpperCase()
          .toLowerCase();
        if (/^\.twinfold([. ]*$|:)/.test(plain)) escapes.push(`${operation} ${JSON.stringify(path)} is another spelling of Twinfold's own folder`);
        if (rules.reserved === "windows" && !isSafeOnWindows(name)) escapes.push(`${operation} ${JSON.stringify(path)} is unsafe on Windows`);
      }
    }
  };
  return {
    escapes,
    onCall({ operation, path, to }) {
      if (operation !== "symlink") look(operation, path);
      if (to !== undefined) look(operation, to);
    },
  };
}

async function attack(seed: string, rules: NameRules): Promise<{ readonly tried: number; readonly said: number; readonly made: number }> {
  const roll = createDice(seed);
  const base = realpathSync(temporaryFolder(DISKS.at(-1)?.[1]));
  const root = join(base, "root");
  mkdirSync(root);
  mkdirSync(join(base, "outside"));
  const { rootId } = await initializeRoot({ root, workspaceId: WORKSPACE });
  const { onCall, escapes } = watchCalls(root, rules);
  const disk = rules.foldsCase || rules.reserved === "windows" ? foldingFileSystem({ ...rules, isAlone: true }, root) : createNodeFileSystem();
  const tree = createFsLocalTree({ root, rootId, reservedNames: rules.reserved, fileSystem: hookedFileSystem(disk, onCall) });
  const hub = createHostileHub();
  const env = { ...createNodeEnv(), sleep: async () => {} };
  const replica = await createReplica({ workspaceId: WORKSPACE, tree, store: createMemoryReplicaStore(), transport: hub, env, settleMs: 0 });

  let tried = 0;
  const parents: NodeId[] = [ROOT_NODE];
  const nodes: NodeId[] = [];
  const nextName = (): string | undefined => {
    const name = hostileName(roll);
    tried += 1;
    return passes(name) ? name : undefined;
  };
  const contentOf = (): Content =>
    [EMPTY_FILE, { kind: "directory" } as const, { kind: "symlink", target: TARGETS[roll(TARGETS.length)] as string } as const][roll(3)] as Content;

  const used = new Set<string>();
  const someParent = (): NodeId => parents[roll(parents.length)] as NodeId;

  for (let number = 0; number < BATCH; number++) {
    const name = nextName();
    if (name === undefined) continue;
    const content = contentOf();
    const nodeId = nodeIdOf(`${seed} ${number}`);
    const parentId = someParent();
    const slot = `${parentId}/${name.normalize("NFC")}`;
    if (used.has(slot) && roll(10) > 0) continue;
    used.add(slot);
    // Symlinks are parents too: what is put into them must not arrive where they point.
    hub.say(nodeId, parentId, name, content);
    nodes.push(nodeId);
    if (content.kind === "directory" || (content.kind === "symlink" && roll(20) === 0)) parents.push(nodeId);
  }
  const sync = async (): Promise<void> => {
    try {
      await replica.sync({ confirm: true });
    } catch (error) {
      if (!isTwinfoldError(error)) throw error;
    }
  };
  await sync();
  const made = countEntries(root);
  const said = nodes.length;
  for (const nodeId of nodes) {
    const name = nextName();
    if (name !== undefined) hub.say(nodeId, someParent(), name, roll(4) === 0 ? contentOf() : EMPTY_FILE, roll(5) === 0);
  }
  await sync();
  await replica.close();
  await tree.close();
  expect(escapes).toEqual([]);
  expect(readdirSync(join(base, "outside"))).toEqual([]);
  expect(readdirSync(base).sort()).toEqual(["outside", "root"]);
  expect(readdirSync(join(root, ".twinfold")).filter((name) => !["root.json", "staging", "trash"].includes(name))).toEqual([]);
  return { tried, said, made };
}

/** Does not follow links: Node 22's own recursive reading does, and what a hostile hub links to may be the whole disk. */
function countEntries(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.reduce((count, entry) => count + 1 + (entry.isDirectory() ? countEntries(join(folder, entry.name)) : 0), 0);
}

const KINDS: Readonly<Record<string, NameRules>> = {
  "that holds every name": ANY_NAME,
  "with the names of Windows": { ...ANY_NAME, foldsCase: true, reserved: "windows" },
  "that folds case and Unicode forms, and has short names only": { ...ANY_NAME, foldsCase: true, foldsNormalization: true, maxNameBytes: 143 },
};

describe(`names from a hostile hub, of ${NAMES} in all with seed ${SEED}`, () => {
  for (const [kind, rules] of Object.entries(KINDS)) {
    it(`never lead out of the root, nor into Twinfold's own folder, on a disk ${kind}`, { timeout: 600_000 }, async () => {
      const sum = { tried: 0, said: 0, made: 0 };
      for (let batch = 0; sum.tried < NAMES / Object.keys(KINDS).length; batch++) {
        const { tried, said, made } = await attack(`${SEED} ${kind} ${batch}`, rules);
        sum.tried += tried;
        sum.said += said;
        sum.made += made;
      }
      // When little passes the codecs, or little is made of it, nothing was proved.
      expect(sum.said).toBeGreaterThan(sum.tried / 8);
      expect(sum.made).toBeGreaterThan(sum.said / 4);
    });
  }
});
