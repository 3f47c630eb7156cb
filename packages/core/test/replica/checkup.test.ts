import {
  ANY_NAME,
  cutPieces,
  decodeManifest,
  type NodeRecord,
  type LocalTree,
  type MemoryLocalTree,
  nobleSha256,
  type ReplicaRow,
  type Transport,
} from "@twinfold/core";
import { expect, it } from "vitest";
import { isLive } from "../../src/reconcile/node-record.js";
import { recordToRow, rowToRecord } from "../../src/replica/trees/record-codec.js";
import { createTwins, type Device, texts, type Twins } from "./twins.js";

async function rowsOf({ workspaceId }: Twins, device: Device): Promise<ReadonlyArray<{ row: ReplicaRow; record: NodeRecord }>> {
  return (await device.store.page(workspaceId, undefined, 1_000)).map((row) => ({ row, record: rowToRecord(row) }));
}

async function rowOf(twins: Twins, device: Device, name: string) {
  const found = (await rowsOf(twins, device)).find(({ record }) => record.local?.place.name === name);
  if (found === undefined) throw new Error(`no row for ${name}`);
  return found;
}

/** Two devices in step, with a file and a directory. */
async function inStep(options: Parameters<typeof createTwins>[1] = {}) {
  const twins = await createTwins(["laptop", "phone"], options);
  const [laptop, phone] = twins.devices as [Device, Device];
  laptop.tree.write("notes.txt", "as written");
  laptop.tree.write("letters/one.txt", "dear reader");
  await twins.settle();
  return { twins, laptop, phone };
}

/** A folder whose disk gives other bytes where `bytesAt` does. */
function damaged(tree: MemoryLocalTree, bytesAt: (path: string, sizeBytes: number) => Uint8Array | undefined): LocalTree {
  const read: LocalTree["read"] = async function* (path, expected, options) {
    const bytes = bytesAt(path, expected.sizeBytes);
    if (bytes === undefined) yield* tree.read(path, expected, options);
    else yield bytes;
  };
  return { ...tree, read, cut: (path, expected, options) => cutPieces(read(path, expected, options), expected.sizeBytes, nobleSha256) };
}

it("finds nothing where nothing is wrong, and says what it looked at", async () => {
  const { laptop } = await inStep();
  const report = await laptop.replica.check({ deep: true });
  expect(report).toMatchObject({ sound: true, findings: [], nodes: 3, files: 2, chunks: 2, pending: 0 });
  expect(report.bytes).toBe("as written".length + "dear reader".length);
});

it("takes an edit that was not synced yet for what it is", async () => {
  const { laptop } = await inStep();
  laptop.tree.write("notes.txt", "edited since");
  expect(await laptop.replica.check()).toMatchObject({ sound: true, pending: 1, files: 1 });
});

it("finds bytes that changed under unchanged time stamps, puts them in the trash, and the file comes again", async () => {
  let isDamaged = false;
  const { twins, laptop } = await inStep({
    wrapTree: (tree, device) =>
      damaged(tree, (path) => (isDamaged && device === "laptop" && path === "notes.txt" ? new TextEncoder().encode("AS WRITTEN") : undefined)),
  });
  isDamaged = true;
  const found = await laptop.replica.check();
  expect(found).toMatchObject({ sound: false, findings: [{ hop: "disk", path: "notes.txt", repair: undefined }] });
  expect(texts(laptop.tree)["notes.txt"]).toBe("as written");

  expect(await laptop.replica.check({ repair: true })).toMatchObject({ sound: true, findings: [{ hop: "disk", path: "notes.txt" }] });
  expect(texts(laptop.tree)["notes.txt"]).toBeUndefined();
  isDamaged = false;
  await twins.settle();
  expect(twins.devices.map((device) => texts(device.tree)["notes.txt"])).toEqual(["as written", "as written"]);
  expect(laptop.tree.trashed().map(({ path }) => path)).toContain("notes.txt");
});

it("leaves a damaged file on the disk when the server has no whole copy of it", async () => {
  let isDamaged = false;
  const { laptop } = await inStep({
    wrapTree: (tree) => damaged(tree, (_path, sizeBytes) => (isDamaged ? new Uint8Array(sizeBytes) : undefined)),
    wrapTransport: (transport) => ({
      ...transport,
      missing: async (ask, options) => (isDamaged ? ask.chunkIds : await transport.missing(ask, options)),
    }),
  });
  isDamaged = true;
  const { sound, findings } = await laptop.replica.check({ repair: true });
  expect(sound).toBe(false);
  expect(findings.filter(({ hop }) => hop === "disk").map(({ repair }) => repair)).toEqual([undefined, undefined]);
  expect(Object.keys(texts(laptop.tree)).sort()).toEqual(["letters/one.txt", "notes.txt"]);
});

it("finds a row that is filed wrongly, and files it anew", async () => {
  const { twins, laptop } = await inStep();
  const { row } = await rowOf(twins, laptop, "notes.txt");
  await laptop.store.write(twins.workspaceId, { put: [{ ...row, local: row.local && { ...row.local, nameKey: "another" } }] });
  expect(await laptop.replica.check()).toMatchObject({ sound: false, findings: [{ hop: "database", path: "notes.txt" }] });
  expect(await laptop.replica.check({ repair: true })).toMatchObject({ sound: true });
  expect(await laptop.replica.check()).toMatchObject({ findings: [] });
});

it("finds a node whose directory is not in the database, and fetches the hub's view anew", async () => {
  const { twins, laptop } = await inStep();
  const { row } = await rowOf(twins, laptop, "letters");
  await laptop.store.write(twins.workspaceId, { remove: [row.nodeId] });
  const { findings } = await laptop.replica.check({ repair: true });
  expect(findings.map(({ hop }) => hop)).toContain("database");
  await twins.settle();
  for (const device of twins.devices) {
    expect((await device.replica.check()).findings).toEqual([]);
    expect(texts(device.tree)).toEqual({ "letters/one.txt": "dear reader", "notes.txt": "as written" });
  }
});

it("finds a lost list of chunks, and makes it anew from the file", async () => {
  const { twins, laptop } = await inStep();
  const { record } = await rowOf(twins, laptop, "notes.txt");
  const manifestId = record.local?.content.kind === "file" ? record.local.content.manifestId : undefined;
  const manifests = laptop.store.manifests.bind(laptop.store);
  let isLost = true;
  const write = laptop.store.write.bind(laptop.store);
  laptop.store.manifests = async (workspaceId, ids) =>
    (await manifests(workspaceId, ids)).map((body, index) => (isLost && ids[index] === manifestId ? undefined : body));
  laptop.store.write = async (workspaceId, batch) => {
    if (batch.manifests?.some((row) => row.manifestId === manifestId)) isLost = false;
    await write(workspaceId, batch);
  };
  expect(await laptop.replica.check()).toMatchObject({ sound: false, findings: [{ hop: "database", path: "notes.txt" }] });
  await laptop.replica.check({ repair: true });
  expect(await laptop.replica.check()).toMatchObject({ findings: [] });
});

it("finds that the database says something else of the hub than the hub does, and merges with the hub's view", async () => {
  const { twins, laptop } = await inStep();
  const { record } = await rowOf(twins, laptop, "notes.txt");
  if (!isLive(record.remote)) throw new Error("not at the hub");
  const remote = { ...record.remote, revision: 7 };
  await laptop.store.write(twins.workspaceId, { put: [recordToRow({ ...record, remote }, ANY_NAME)] });
  expect(await laptop.replica.check()).toMatchObject({ sound: false, findings: [{ hop: "hub", path: "notes.txt" }] });
  await laptop.replica.check({ repair: true });
  await twins.settle();
  expect(await laptop.replica.check()).toMatchObject({ findings: [] });
  expect(texts(laptop.tree)).toEqual({ "letters/one.txt": "dear reader", "notes.txt": "as written" });
});

it("finds chunks that the hub lacks, and sends them from a file that has them", async () => {
  const lost = new Set<string>();
  const forgetful = (transport: Transport): Transport => ({
    ...transport,
    missing: async (ask, options) => [
      ...new Set([...(await transport.missing(ask, options)), ...ask.chunkIds.filter((chunkId) => lost.has(chunkId))]),
    ],
    upload: async (ask, options) => {
      for (const { chunkId } of ask.frames) lost.delete(chunkId);
      return await transport.upload(ask, options);
    },
  });
  const { twins, laptop } = await inStep({ wrapTransport: forgetful });
  const { record } = await rowOf(twins, laptop, "notes.txt");
  const manifestId = record.local?.content.kind === "file" ? record.local.content.manifestId : undefined;
  const [body] = await laptop.store.manifests(twins.workspaceId, [manifestId as never]);
  const [entry] = decodeManifest(body as Uint8Array);
  lost.add(entry?.chunkId as string);
  expect(await laptop.replica.check()).toMatchObject({ sound: false, findings: [{ hop: "chunks", path: "notes.txt", repair: undefined }] });
  expect(await laptop.replica.check({ repair: true })).toMatchObject({ sound: true });
  expect(lost.size).toBe(0);
  expect(await laptop.replica.check()).toMatchObject({ findings: [] });
});

it("finds chunks that the hub holds damaged when it is to look deep", async () => {
  let isDamaged = false;
  const { laptop } = await inStep({
    wrapTransport: (transport) => ({
      ...transport,
      async *download(ask, options) {
        for await (const frame of transport.download(ask, options))
          yield isDamaged ? { ...frame, codec: "absent" as const, plainBytes: 0, payload: new Uint8Array() } : frame;
      },
    }),
  });
  isDamaged = true;
  expect(await laptop.replica.check()).toMatchObject({ sound: true });
  const { sound, findings } = await laptop.replica.check({ deep: true });
  expect(sound).toBe(false);
  expect(findings.map(({ hop, path }) => `${hop} ${path}`).sort()).toEqual(["chunks letters/one.txt", "chunks notes.txt"]);
});
