import type {} from "@vitest/browser-playwright"; // the type of what `cdp` gives
import { parseNodeId, parseWorkspaceId } from "@twinfold/core";
import { afterEach, expect, it } from "vitest";
import { cdp } from "vitest/browser";
import { createIdbBlobStore, createIdbReplicaStore } from "../src/index.js";
import { freshName } from "./fresh-name.js";

const MIB = 1024 * 1024;
const WORKSPACE = parseWorkspaceId("1".repeat(32));
const { origin } = globalThis.location;

/** Gives the site no more space than `sizeBytes`, or as much as ever. */
async function limitSite(sizeBytes?: number): Promise<void> {
  await cdp().send("Storage.overrideQuotaForOrigin", { origin, ...(sizeBytes !== undefined && { quotaSize: sizeBytes }) });
}

/** As a person does in the browser's settings. The browser also forgets how much space it thought was left. */
async function deleteSiteData(): Promise<void> {
  await cdp().send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
}

/** Random, so that nothing makes them smaller on their way. */
function noise(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

afterEach(() => limitSite());

it("says that the browser gives the site no more space, writes nothing of it, and goes on when there is some again", async () => {
  await deleteSiteData();
  await limitSite(1 * MIB);
  const [blobs, replica] = [await createIdbBlobStore({ name: freshName() }), await createIdbReplicaStore({ name: freshName() })];
  const large = noise(4 * MIB);
  const row = { nodeId: parseNodeId("2".repeat(32)), body: noise(4 * MIB), dirty: true };
  await expect(blobs.put("a", large)).rejects.toMatchObject({ code: "ERR_NO_SPACE", cause: { name: "QuotaExceededError" } });
  await expect(replica.write(WORKSPACE, { put: [row] })).rejects.toMatchObject({ code: "ERR_NO_SPACE" });
  await limitSite();
  expect(await blobs.get("a")).toBeUndefined();
  expect(await replica.counts(WORKSPACE)).toEqual({ nodes: 0, dirty: 0 });
  await blobs.put("a", large);
  await replica.write(WORKSPACE, { put: [row] });
  expect((await blobs.head("a"))?.sizeBytes).toBe(large.length);
  expect(await replica.counts(WORKSPACE)).toEqual({ nodes: 1, dirty: 1 });
  await blobs.close();
  await replica.close();
});

it("is told when a person deletes the site's data, and can be opened anew at once", async () => {
  const name = freshName();
  const replica = await createIdbReplicaStore({ name });
  await replica.write(WORKSPACE, { state: Uint8Array.of(1) });
  await deleteSiteData();
  await navigator.locks.request(`twinfold-replica:${name}`, async () => {}); // it let go of it by itself
  await expect(replica.state(WORKSPACE)).rejects.toMatchObject({ code: "ERR_STORE_FAILED" });
  await expect(replica.write(WORKSPACE, { state: Uint8Array.of(2) })).rejects.toMatchObject({ code: "ERR_STORE_FAILED" });
  const again = await createIdbReplicaStore({ name });
  expect(await again.state(WORKSPACE)).toBeUndefined();
  await again.close();
  await replica.close();
});
