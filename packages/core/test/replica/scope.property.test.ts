import { isLive } from "../../src/reconcile/node-record.js";
import { isTwinfoldError, type LocalPath, type NodeId, type ScopeOptions } from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTwins, describe as describeTree, type Device, texts, type Twins } from "./twins.js";

const RULES = ".twinfoldignore";
const RUNS = Number(process.env.RUNS ?? 60);
const name = fc.constantFrom("a", "b", "c");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const device = fc.nat(1);
const pattern = fc.constantFrom("a", "b", "c", "/a", "b/", "!b", "!c", "*", "a/b", "**/c", "/b/**");
const scope: fc.Arbitrary<ScopeOptions> = fc.record(
  {
    only: fc.array(fc.constantFrom("a", "b", "a/b", "**/c", "!a/b"), { minLength: 1, maxLength: 2 }),
    onDemand: fc.record({ upToBytes: fc.constantFrom(0, 9), patterns: fc.array(fc.constantFrom("a", "**/b"), { maxLength: 1 }) }),
  },
  { requiredKeys: [] },
);

type Op =
  | { readonly kind: "write" | "rm" | "mkdir"; readonly device: number; readonly path: string }
  | { readonly kind: "rename"; readonly device: number; readonly path: string; readonly to: string }
  | Holding;
type Holding =
  | { readonly kind: "rules"; readonly device: number; readonly path: string; readonly patterns: readonly string[] }
  | { readonly kind: "scope"; readonly device: number; readonly scope: ScopeOptions }
  | { readonly kind: "get" | "free"; readonly device: number; readonly path: string }
  | { readonly kind: "sync" | "restart"; readonly device: number };

const holding: fc.Arbitrary<Holding> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("rules" as const),
      device,
      path: fc.constantFrom("", "", "a/"),
      patterns: fc.array(pattern, { maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("scope" as const), device, scope }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("get" as const, "free" as const), device, path }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("sync" as const, "sync" as const, "restart" as const), device }) },
);
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("write" as const, "write" as const, "rm" as const, "mkdir" as const), device, path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rename" as const), device, path, to: path }) },
  { weight: 6, arbitrary: holding },
);

/** What people wrote, and what they replaced or deleted where they saw it. */
class Ledger {
  readonly written = new Set<string>();
  readonly superseded = new Set<string>();

  payload(): string {
    const text = `payload ${this.written.size}`;
    this.written.add(text);
    return text;
  }

  supersede(target: Device, at: string): void {
    for (const [file, text] of Object.entries(texts(target.tree))) if (file === at || file.startsWith(`${at}/`)) this.superseded.add(text);
  }
}

/** What `get` and `free` may answer: there is no such thing, it is not held by a rule, or everything was deleted and nobody has said yes. */
const REFUSED: ReadonlySet<string> = new Set(["ERR_NOT_FOUND", "ERR_INVALID_ARGUMENT", "ERR_ROOT_EMPTIED"]);

async function syncAndConfirm({ replica }: Device): Promise<void> {
  await replica.sync({ confirm: true });
}

async function act({ devices }: Twins, operation: Op, ledger: Ledger): Promise<void> {
  const target = devices[operation.device] as Device;
  const { tree } = target;
  const entries = tree.files();
  const canMake = (of: string): boolean =>
    of
      .split("/")
      .slice(0, -1)
      .every((_, index, names) => (entries.get(names.slice(0, index + 1).join("/"))?.kind ?? "directory") === "directory");
  switch (operation.kind) {
    case "write":
      if (!canMake(operation.path) || (entries.get(operation.path)?.kind ?? "file") !== "file") return;
      ledger.supersede(target, operation.path);
      tree.write(operation.path, ledger.payload());
      return;
    case "mkdir":
      if (canMake(operation.path) && !entries.has(operation.path)) tree.mkdir(operation.path);
      return;
    case "rm":
      if (!entries.has(operation.path)) return;
      ledger.supersede(target, operation.path);
      tree.rm(operation.path);
      return;
    case "rename":
      if (!entries.has(operation.path) || entries.has(operation.to) || !canMake(operation.to) || operation.to.startsWith(`${operation.path}/`))
        return;
      tree.rename(operation.path, operation.to);
      return;
    case "rules":
      if (canMake(`${operation.path}x`)) tree.write(`${operation.path}${RULES}`, operation.patterns.join("\n"));
      return;
    case "scope":
      await target.restart(operation.scope);
      return;
    case "restart":
      await target.restart();
      return;
    case "sync":
      await syncAndConfirm(target);
      return;
    case "get":
    case "free":
      try {
        await target.replica[operation.kind](operation.path as LocalPath);
      } catch (error) {
        if (!isTwinfoldError(error) || !REFUSED.has(error.code)) throw error;
      }
  }
}

/** What rules left alone had a node's name, which got an alias: where the name is free again, somebody gives it back. */
function takeAliasesBack(tree: Device["tree"]): void {
  for (const path of tree.files().keys()) {
    const own = path.replace(/ \(alias [0-9a-f]{8,32}\)$/, "");
    if (own !== path && tree.files().has(path) && !tree.files().has(own)) tree.rename(path, own);
  }
}

/** Every device holds everything again, and there are no rules. */
async function holdEverything(twins: Twins): Promise<void> {
  for (const each of twins.devices) await each.restart({});
  for (let round = 0; round < 5; round++) {
    for (const { tree } of twins.devices) {
      for (const [file, { kind }] of tree.files()) if (kind === "file" && (file.split("/").at(-1) as string).startsWith(RULES)) tree.rm(file);
    }
    for (const { tree } of twins.devices) takeAliasesBack(tree);
    for (const each of [...twins.devices, ...twins.devices]) await syncAndConfirm(each);
  }
  for (const { replica } of twins.devices) await replica.get("" as LocalPath);
  await twins.settle();
}

async function liveNodes({ workspaceId, devices }: Twins): Promise<Map<NodeId, string>> {
  const live = new Map<NodeId, string>();
  for (let afterSeq: number | undefined = 0; afterSeq !== undefined; ) {
    const page: Awaited<ReturnType<Device["transport"]["heads"]>> = await (devices[0] as Device).transport.heads({ workspaceId, afterSeq });
    for (const { head } of page.heads) if (isLive(head)) live.set(head.nodeId, head.place.name);
    afterSeq = page.nextAfterSeq;
  }
  return live;
}

describe("devices that do not hold everything", () => {
  it("lose nothing that nobody deleted, whatever rules and choices change between what people do", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 30, size: "max" }), fc.integer(), async (operations, seed) => {
        const twins = await createTwins(["laptop", "phone"], { seed });
        const ledger = new Ledger();
        for (const operation of operations) await act(twins, operation, ledger);
        await holdEverything(twins);
        const [first, second] = twins.devices as [Device, Device];
        expect(describeTree(first.tree)).toBe(describeTree(second.tree));
        const kept = new Set(Object.values(texts(first.tree)));
        for (const text of ledger.written) if (!ledger.superseded.has(text)) expect(kept).toContain(text);
      }),
      { numRuns: RUNS },
    );
  }, 600_000);

  it("remove nothing at the hub, and nothing from a disk but what is freed, because rules or choices change", async () => {
    const files = fc.uniqueArray(path, { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(files, fc.array(holding, { minLength: 1, maxLength: 16, size: "max" }), fc.integer(), async (paths, operations, seed) => {
        const twins = await createTwins(["laptop", "phone"], { seed });
        const ledger = new Ledger();
        for (const each of paths) await act(twins, { kind: "write", device: 0, path: each }, ledger);
        await twins.settle();
        const before = await liveNodes(twins);
        const texted = new Set(Object.values(texts((twins.devices[0] as Device).tree)));
        for (const operation of operations) {
          const disks = operation.kind === "free" ? [] : twins.devices.map(({ tree }) => new Set(Object.values(texts(tree))));
          await act(twins, operation, ledger);
          const now = await liveNodes(twins);
          for (const nodeId of before.keys()) expect(now.has(nodeId)).toBe(true);
          for (const [index, disk] of disks.entries()) {
            const left = new Set(Object.values(texts((twins.devices[index] as Device).tree)));
            for (const text of disk) if (texted.has(text)) expect(left).toContain(text);
          }
        }
        await holdEverything(twins);
        expect(new Set(Object.values(texts((twins.devices[1] as Device).tree)))).toEqual(texted);
      }),
      { numRuns: RUNS },
    );
  }, 600_000);
});
