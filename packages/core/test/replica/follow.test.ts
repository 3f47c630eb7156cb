import { createReplica, type WorkspaceId } from "@twinfold/core";
import { expect, it } from "vitest";
import { createTwins, type Device, texts } from "./twins.js";

/** A turn of the event loop: all that can go on without the outside has gone on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error)));
}

/** Longer sleeps last until the test is over: no look is made because of the time. */
const LONGEST_SLEEP_MS = 5_000;

/** A device that follows, where the test says what its waits come to; and another of the same workspace. */
async function followed() {
  const waits: Array<{ readonly afterSeq: number | undefined; end(moved: readonly WorkspaceId[]): void }> = [];
  let looks = 0;
  const { workspaceId, env, devices } = await createTwins(["laptop", "phone"]);
  const [{ tree, store, transport }, phone] = devices as [Device, Device];
  const replica = await createReplica({
    workspaceId,
    tree,
    store,
    env: { ...env, sleep: async (ms, signal) => await (ms <= LONGEST_SLEEP_MS ? env.sleep(ms, signal) : untilAborted(signal)) },
    transport: {
      ...transport,
      changes: async (...args) => {
        looks += 1;
        return await transport.changes(...args);
      },
      wait: ({ workspaces }, { signal } = {}) =>
        new Promise((resolve, reject) => {
          waits.push({ afterSeq: workspaces[0]?.afterSeq, end: resolve });
          untilAborted(signal).catch(reject);
        }),
    },
    deviceName: "laptop",
  });
  const stop = new AbortController();
  const passed = (): Promise<void> => new Promise((resolve) => replica.on("sync:finished", () => resolve()));
  const first = passed();
  const following = replica.follow({ signal: stop.signal });
  await first;
  await turn();
  const end = async (): Promise<void> => {
    stop.abort();
    await following;
  };
  return { workspaceId, tree, phone, waits, passed, looks: () => looks, end };
}

it("a device that follows looks at the hub when that says that something happened, and not when a wait was only long", async () => {
  const { workspaceId, tree, phone, waits, passed, looks, end } = await followed();
  expect(waits).toMatchObject([{ afterSeq: 0 }]);
  const before = looks();
  waits[0]?.end([]);
  await turn();
  expect([looks(), waits.length]).toEqual([before, 2]);

  phone.tree.write("a.txt", "a");
  await phone.sync();
  const next = passed();
  waits[1]?.end([workspaceId]);
  await next;
  await turn();
  expect(texts(tree)).toEqual({ "a.txt": "a" });
  expect(waits.at(-1)).toMatchObject({ afterSeq: 1 });
  await end();
});

it("a device that follows does not look for its own commit, of which its open wait tells", async () => {
  const { workspaceId, tree, phone, waits, passed, looks, end } = await followed();
  const next = passed();
  tree.write("a.txt", "a");
  await next;
  await turn();
  expect(await phone.sync()).toMatchObject({ filesDownloaded: 1 });
  const before = looks();
  waits[0]?.end([workspaceId]);
  await turn();
  expect([looks(), waits.length]).toEqual([before, 2]);
  expect(waits[1]).toMatchObject({ afterSeq: 1 });
  await end();
});
