import { HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { createS3BlobStore } from "@twinfold/adapter-s3";
import { beforeAll, expect, it } from "vitest";
import { bareClient, collect, describeS3, MIB, newBucket, openStore, openUploads, patterned, rejection } from "./s3.js";

describeS3("createS3BlobStore", () => {
  let bucket: string;
  beforeAll(async () => {
    bucket = await newBucket();
  });

  const PART = 5 * MIB;
  for (const [sizeBytes, parts] of [
    [2 * PART, 0],
    [2 * PART + 1, 3],
    [3 * PART - 1, 3],
    [3 * PART, 3],
    [5 * PART + 1, 6],
  ] as const) {
    it(`stores ${sizeBytes} bytes ${parts === 0 ? "in one request" : `in ${parts} parts of up to ${PART}`}, and gives them back`, async () => {
      const store = openStore(bucket, { prefix: `parts-${sizeBytes}` });
      const bytes = patterned(sizeBytes);
      await store.put("a", bytes);

      const client = bareClient();
      const { ETag } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: `parts-${sizeBytes}/a` }));
      client.destroy();
      expect(/-(\d+)"$/.exec(ETag ?? "")?.[1]).toBe(parts === 0 ? undefined : String(parts));
      expect(await store.head("a")).toEqual({ name: "a", sizeBytes });
      expect(Buffer.compare((await store.get("a")) ?? new Uint8Array(), bytes)).toBe(0);
      const range = { offset: PART - 3, length: 6 };
      expect(await store.get("a", { range })).toEqual(bytes.slice(range.offset, range.offset + range.length));
      expect(await openUploads(bucket)).toEqual([]);
    });
  }

  it("lists more than the 1,000 names of one page, each once and in order", async () => {
    const store = openStore(bucket, { prefix: "pages" });
    const names = Array.from({ length: 1_050 }, (_, at) => `packs/${String(at).padStart(4, "0")}`);
    const waiting = names.toReversed();
    const writer = async (): Promise<void> => {
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) await store.put(name, Uint8Array.of(1));
    };
    await Promise.all(Array.from({ length: 32 }, writer));

    expect(await collect(store.list("packs/"))).toEqual(names.map((name) => ({ name, sizeBytes: 1 })));
  });

  it("gives up a listing between two names when the signal aborts", async () => {
    const store = openStore(bucket, { prefix: "left" });
    for (const name of ["a", "b"]) await store.put(name, new Uint8Array(1));
    const controller = new AbortController();
    const reason = new Error("stop");
    const seen: string[] = [];
    const listing = (async () => {
      for await (const { name } of store.list("", { signal: controller.signal })) {
        seen.push(name);
        controller.abort(reason);
      }
    })();
    expect(await rejection(listing)).toBe(reason);
    expect(seen).toEqual(["a"]);
  });

  it("sees neither its neighbours in the bucket nor what is no blob", async () => {
    const store = openStore(bucket, { prefix: "near" });
    await openStore(bucket, { prefix: "near-by" }).put("other", new Uint8Array(1));
    await store.put("own", new Uint8Array(2));
    const client = bareClient();
    for (const Key of ["near/", "near/folder/", "near/Read Me.txt"])
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: new Uint8Array(0) }));
    client.destroy();

    expect(await collect(store.list(""))).toEqual([{ name: "own", sizeBytes: 2 }]);
    expect(await store.get("other")).toBeUndefined();
  });

  it("reads an object that another program put there without a digest", async () => {
    const client = bareClient();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: "copied/a", Body: new TextEncoder().encode("hello") }));
    client.destroy();
    expect(await openStore(bucket, { prefix: "copied" }).get("a")).toEqual(new TextEncoder().encode("hello"));
  });

  it("leaves a client that it was given open", async () => {
    const client = bareClient();
    const store = createS3BlobStore({ client, bucket, prefix: "given" });
    await store.put("a", new Uint8Array(1));
    await store.close();
    await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "given/a" }));
    client.destroy();
  });
});

it.each([
  [{ bucket: "" }, "bucket"],
  [{ bucket: "a/b" }, "bucket"],
  [{ prefix: "/a" }, "prefix"],
  [{ prefix: "a/" }, "prefix"],
  [{ prefix: "a/../b" }, "prefix"],
  [{ endpoint: "s3.example.com" }, "endpoint"],
  [{ endpoint: "ftp://example.com" }, "endpoint"],
  [{ endpoint: "https://key:hidden@example.com" }, "endpoint"],
  [{ partBytes: 5 * MIB - 1 }, "partBytes"],
  [{ maxAttempts: 0 }, "maxAttempts"],
  [{ idleTimeoutMs: 0.5 }, "idleTimeoutMs"],
])("refuses %o, and names the option", (wrong, name) => {
  const open = () => createS3BlobStore({ endpoint: "http://127.0.0.1:1", bucket: "good", ...wrong });
  expect(open).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(`option ${name} `) }));
  expect(open).not.toThrow(/hidden/);
});
