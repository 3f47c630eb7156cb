import { parseWorkspaceId } from "@twinfold/core";
import { expect, it } from "vitest";
import { createIdbReplicaStore, type TabLocks } from "../src/index.js";
import { takeTabLock } from "../src/tab-lock.js";
import { freshName } from "./fresh-name.js";

const WORKSPACE = parseWorkspaceId("1".repeat(32));

it("says what a page without Web Locks lacks", async () => {
  await expect(takeTabLock(undefined, "x")).rejects.toMatchObject({ code: "ERR_STORE_FAILED", message: expect.stringContaining("HTTPS") });
});

it("says that the page may not ask for locks", async () => {
  const locks: TabLocks = { request: async () => Promise.reject(new DOMException("no storage here", "SecurityError")) };
  await expect(createIdbReplicaStore({ name: freshName(), locks })).rejects.toMatchObject({
    code: "ERR_PERMISSION_DENIED",
    cause: { name: "SecurityError" },
  });
});

it("uses the locks that it is given, and asks again for each store", async () => {
  const asked: string[] = [];
  const locks: TabLocks = {
    async request(name, { ifAvailable }, callback) {
      asked.push(`${name} ${ifAvailable}`);
      await callback({});
    },
  };
  const name = freshName();
  for (let time = 0; time < 2; time++) await (await createIdbReplicaStore({ name, locks })).close();
  expect(asked).toEqual(Array(2).fill(`twinfold-replica:${name} true`));
});

it("writes nothing more once another tab has stolen the lock", async () => {
  let steal = (): void => {};
  const stolen = new Promise<never>((_resolve, reject) => {
    steal = () => reject(new DOMException("stolen", "AbortError"));
  });
  const locks: TabLocks = { request: (_name, _options, callback) => Promise.race([callback({}), stolen]) };
  const store = await createIdbReplicaStore({ name: freshName(), locks });
  await store.write(WORKSPACE, { state: Uint8Array.of(1) });
  steal();
  await stolen.catch(() => {});
  await Promise.resolve();
  await expect(store.write(WORKSPACE, { state: Uint8Array.of(2) })).rejects.toMatchObject({ code: "ERR_IN_USE" });
  await store.close();
});

it("lets go of the lock when the database cannot be opened", async () => {
  const name = freshName();
  const held: string[] = [];
  const locks: TabLocks = {
    async request(lockName, _options, callback) {
      held.push(lockName);
      await callback({});
      held.pop();
    },
  };
  const newer = indexedDB.open(`twinfold-replica:${name}`, 4);
  await new Promise((resolve) => newer.addEventListener("success", resolve));
  newer.result.close();
  await expect(createIdbReplicaStore({ name, locks })).rejects.toMatchObject({ code: "ERR_NEWER_FORMAT" });
  expect(held).toEqual([]);
});
