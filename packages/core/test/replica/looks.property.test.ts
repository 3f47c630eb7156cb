import type { ReplicaStore } from "@twinfold/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createTwins, type Device, texts } from "./twins.js";

const PATHS = ["a", "a/b", "a/b/c", "b", "b/c", ".twinfoldignore", "a/.twinfoldignore"];
const path = fc.constantFrom(...PATHS);
const device = fc.nat(1);

type Op =
  | { readonly kind: "write" | "rm" | "chmod" | "free" | "get"; readonly device: number; readonly path: string }
  | { readonly kind: "rename"; readonly device: number; readonly path: string; readonly to: string }
  | { readonly kind: "restart"; readonly device: number; readonly only: readonly string[] | undefined }
  | { readonly kind: "sync"; readonly device: number };

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("write" as const, "write" as const, "rm" as const, "chmod" as const), device, path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("free" as const, "get" as const), device, path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rename" as const), device, path, to: path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), device, only: fc.constantFrom(undefined, ["b"], ["a/b"]) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("sync" as const), device }) },
);

/** Both devices have files, and have looked at them often enough to remember. */
const BEGINNING: readonly Op[] = [
  ...["a/b/c", "a/d", "b/c"].map((path) => ({ kind: "write", device: 0, path }) as const),
  ...[0, 1, 0, 1, 0, 1].map((one) => ({ kind: "sync", device: one }) as const),
];

/** What the two folders hold, and what each device says of itself, after each sync. `remembers`: false when looks are forgotten at once. */
async function live(ops: readonly Op[], remembers: boolean): Promise<readonly unknown[]> {
  const twins = await createTwins(["laptop", "phone"]);
  const seen: unknown[] = [];
  for (const { store } of twins.devices) {
    if (!remembers)
      (store as { -readonly [Key in keyof ReplicaStore]: ReplicaStore[Key] }).looks = async (_, nodeIds) => nodeIds.map(() => undefined);
  }
  for (const [index, one] of [...BEGINNING, ...ops].entries()) {
    const target = twins.devices[one.device] as Device;
    await act(target, one, `text ${index}`).catch(() => {}); // of a thing that is not there
    if (one.kind !== "sync") continue;
    const { directoriesUnchanged: _, durationMs: _duration, ...report } = await target.sync();
    seen.push([report, await target.replica.status(), ...twins.devices.map(({ tree }) => texts(tree))]);
  }
  return seen;
}

async function act({ tree, replica, restart }: Device, one: Op, text: string): Promise<void> {
  if (one.kind === "write") tree.write(one.path, one.path.endsWith("ignore") ? `${text.endsWith("1") || text.endsWith("4") ? "/a/b" : "c"}\n` : text);
  if (one.kind === "rm") tree.rm(one.path);
  if (one.kind === "chmod") tree.chmod(one.path, true);
  if (one.kind === "rename" && !`${one.to}/`.startsWith(`${one.path}/`) && !tree.files().has(one.to)) tree.rename(one.path, one.to);
  if (one.kind === "free") await replica.free(one.path as Parameters<typeof replica.free>[0]);
  if (one.kind === "get") await replica.get(one.path as Parameters<typeof replica.get>[0]);
  if (one.kind === "restart") await restart({ only: one.only });
}

it("a device that remembers its looks sees and does what one does that looks at everything", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 4, maxLength: 40 }), async (ops) => {
      expect(await live(ops, true)).toEqual(await live(ops, false));
    }),
    { numRuns: 60 },
  );
});
