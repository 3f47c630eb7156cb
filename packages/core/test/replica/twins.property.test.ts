import { isTwinfoldError, type Transport, TwinfoldError } from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTwins, describe as describeTree, type Device, texts } from "./twins.js";

const NAMES = ["a", "b", "c", "A"] as const;
// Few paths, so that what people do meets.
const path = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 2 }).map((names) => names.join("/")) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }).map((names) => names.join("/")) },
);
const device = fc.nat(2);

type Op =
  | { readonly kind: "write" | "mkdir" | "rm" | "chmod" | "symlink" | "replace"; readonly device: number; readonly path: string }
  | { readonly kind: "rename"; readonly device: number; readonly path: string; readonly to: string }
  | { readonly kind: "sync" | "restart"; readonly device: number };

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), device, path }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("mkdir" as const, "rm" as const, "chmod" as const, "symlink" as const, "replace" as const),
      device,
      path,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("rename" as const), device, path, to: path }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("sync" as const, "sync" as const, "restart" as const), device }) },
);

/** What people wrote, and which of it they themselves replaced or deleted on a device where they could see it. */
class Ledger {
  #next = 0;
  readonly written = new Set<string>();
  readonly superseded = new Set<string>();

  payload(): string {
    const text = `payload ${this.#next++}`;
    this.written.add(text);
    return text;
  }

  supersede(target: Device, at: string): void {
    for (const [path, text] of Object.entries(texts(target.tree))) if (path === at || path.startsWith(`${at}/`)) this.superseded.add(text);
  }
}

/** What a person would do; an impossible thing is not done. */
function act(target: Device, operation: Op, ledger: Ledger): void {
  const { tree } = target;
  const entries = tree.files();
  if (!("path" in operation)) return;
  const at = operation.path;
  const parents = (of: string) =>
    of
      .split("/")
      .slice(0, -1)
      .map((_, index, names) => names.slice(0, index + 1).join("/"));
  const canMake = (of: string) => parents(of).every((parent) => (entries.get(parent)?.kind ?? "directory") === "directory");
  switch (operation.kind) {
    case "write":
      if (!canMake(at) || (entries.get(at) ?? { kind: "file" }).kind !== "file") return;
      ledger.supersede(target, at);
      tree.write(at, ledger.payload());
      return;
    case "mkdir":
      if (canMake(at) && !entries.has(at)) tree.mkdir(at);
      return;
    case "symlink":
      if (canMake(at) && !entries.has(at)) tree.symlink(at, `target ${at}`);
      return;
    case "chmod":
      if (entries.get(at)?.kind === "file") tree.chmod(at, true);
      return;
    case "rm":
      if (!entries.has(at)) return;
      ledger.supersede(target, at);
      tree.rm(at);
      return;
    case "replace": {
      // A file becomes a directory with something inside, anything else a file.
      const kind = entries.get(at)?.kind;
      if (kind === undefined) return;
      ledger.supersede(target, at);
      tree.rm(at);
      tree.write(kind === "file" ? `${at}/inner` : at, ledger.payload());
      return;
    }
    case "rename": {
      const { to } = operation;
      if (!entries.has(at) || entries.has(to) || !canMake(to) || to === at || to.startsWith(`${at}/`)) return;
      tree.rename(at, to);
    }
  }
}

/** A network that loses requests, and answers to requests that were carried out, until it is mended. */
class LossyNetwork {
  #state: number;
  mended = false;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  wrap(transport: Transport): Transport {
    const lossy = <Name extends keyof Transport>(name: Name): Transport[Name] => {
      const call = transport[name] as (...args: unknown[]) => Promise<unknown>;
      if (name === "download") return transport[name];
      return (async (...args: unknown[]) => {
        if (this.#isLost()) throw new TwinfoldError("ERR_UNREACHABLE", "the request was lost");
        const answer = await call.apply(transport, args);
        if (this.#isLost()) throw new TwinfoldError("ERR_UNREACHABLE", "the answer was lost");
        return answer;
      }) as Transport[Name];
    };
    return new Proxy(transport, { get: (_, name) => lossy(name as keyof Transport) });
  }

  /** One in six, by a xorshift generator. */
  #isLost(): boolean {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return !this.mended && (x >>> 0) % 6 === 0;
  }
}

async function run(operations: readonly Op[], seed: number, network: LossyNetwork): Promise<void> {
  const twins = await createTwins(["laptop", "phone", "desk"], { seed, wrapTransport: (transport) => network.wrap(transport) });
  const ledger = new Ledger();
  for (const operation of operations) {
    const target = twins.devices[operation.device] as Device;
    act(target, operation, ledger);
    if (operation.kind === "restart") await target.restart();
    if (operation.kind !== "sync") continue;
    try {
      await target.sync();
    } catch (error) {
      if (!isTwinfoldError(error) || !error.retryable) throw error;
    }
  }
  network.mended = true;
  await twins.settle();
  const [first, ...others] = twins.devices.map((each) => describeTree(each.tree));
  for (const other of others) expect(other).toBe(first);
  const kept = new Set(Object.values(texts((twins.devices[0] as Device).tree)));
  for (const text of ledger.written) if (!ledger.superseded.has(text)) expect(kept).toContain(text);
  for (const text of kept) expect(ledger.written).toContain(text);
  for (const each of twins.devices) expect((await each.replica.check()).findings).toEqual([]);
}

const operations = fc.array(op, { minLength: 1, maxLength: 40, size: "max" });
const RUNS = Number(process.env.RUNS ?? 150);

describe("replicas of one workspace", () => {
  it("converge, lose nothing that nobody deleted, and invent nothing, whatever people do and in whatever order they sync", async () => {
    await fc.assert(
      fc.asyncProperty(operations, fc.integer(), async (plan, seed) => {
        const network = new LossyNetwork(seed);
        network.mended = true;
        await run(plan, seed, network);
      }),
      { numRuns: RUNS },
    );
  }, 600_000);

  it("do so over a network that loses requests and answers, and when they are restarted at any moment", async () => {
    await fc.assert(
      fc.asyncProperty(operations, fc.integer(), (plan, seed) => run(plan, seed, new LossyNetwork(seed))),
      { numRuns: RUNS },
    );
  }, 600_000);
});
