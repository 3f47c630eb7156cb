import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { killGateway, type S3Server, startGateway, startS3Server, stopS3Server } from "../../../scripts/s3-server.mjs";
import { describeS3, MIB, newBucket, openStore, openUploads, patterned, rejection } from "./s3.js";

describeS3("An S3 server that is killed", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server(await mkdtemp(join(tmpdir(), "twinfold-s3-")));
  }, 120_000);
  afterAll(() => stopS3Server(server.folder));

  it("in the middle of uploads and downloads makes them fail so that they may be tried again, and all is well once it is back", async () => {
    const bucket = await newBucket(server);
    const store = openStore(bucket, {}, server);
    const large = patterned(24 * MIB);
    await store.put("before", large);

    const begun = await store.get("before", { range: { offset: 0, length: 1 } });
    expect(begun).toEqual(large.slice(0, 1));
    const underWay = [store.put("in-parts", large), store.put("at-once", large.subarray(0, 9 * MIB)), store.get("before")].map(rejection);
    while ((await openUploads(bucket, server)).length === 0);
    await killGateway(server);
    const errors = (await Promise.all(underWay)).filter((error) => error !== undefined);
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error).toMatchObject({ code: "ERR_STORE_UNAVAILABLE", retryable: true });
    expect(await rejection(store.get("before"))).toMatchObject({ code: "ERR_STORE_UNAVAILABLE", retryable: true });

    await startGateway(server);
    await store.put("in-parts", large);
    await store.put("at-once", large.subarray(0, 9 * MIB));
    for (const name of ["before", "in-parts"]) expect(Buffer.compare((await store.get(name)) ?? new Uint8Array(), large), name).toBe(0);
    expect(await store.head("at-once")).toEqual({ name: "at-once", sizeBytes: 9 * MIB });
    expect(await openUploads(bucket, server)).toEqual([]);
  });
});
