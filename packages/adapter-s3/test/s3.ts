import { randomUUID } from "node:crypto";
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { createS3BlobStore } from "@twinfold/adapter-s3";
import type { BlobInfo, BlobStore } from "@twinfold/core";
import { describe, inject, it, onTestFinished } from "vitest";
import type { S3Server } from "../../../scripts/s3-server.mjs";
import type { S3BlobStoreOptions } from "../src/s3-options.js";

export const MIB = 1024 * 1024;

const provided = inject("s3");

/** Groups tests that need the server. Where there is none they are skipped, and in CI they fail. */
export function describeS3(name: string, body: () => void): void {
  if (!("missing" in provided)) describe(name, body);
  else if (process.env.CI !== "true") describe.skip(`${name} [${provided.missing}]`, body);
  else it(name, sharedServer);
}

export function sharedServer(): S3Server {
  if ("missing" in provided) throw new Error(provided.missing);
  return provided;
}

/** What reaches the server: for a client of one's own, or for a store. */
export function connection(server: S3Server = sharedServer()) {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
}

/** A client that sees what the store does not tell. */
export function bareClient(server?: S3Server): S3Client {
  return new S3Client({ ...connection(server), forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" });
}

export async function newBucket(server?: S3Server): Promise<string> {
  const bucket = `test-${randomUUID()}`;
  const client = bareClient(server);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}

/** A store that is closed when the test is over. */
export function openStore(bucket: string, options: Partial<S3BlobStoreOptions> = {}, server?: S3Server): BlobStore {
  const store = createS3BlobStore({ ...connection(server), bucket, partBytes: 5 * MIB, maxAttempts: 2, ...options });
  onTestFinished(() => store.close());
  return store;
}

/** Uploads that were begun and neither completed nor removed. */
export async function openUploads(bucket: string, server?: S3Server): Promise<string[]> {
  const client = bareClient(server);
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  client.destroy();
  return Uploads.map(({ Key }) => String(Key));
}

export async function collect(listing: AsyncIterable<BlobInfo>): Promise<BlobInfo[]> {
  const blobs: BlobInfo[] = [];
  for await (const blob of listing) blobs.push(blob);
  return blobs;
}

/** Bytes that differ from place to place, so that a part out of order is seen. */
export function patterned(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) bytes[at] = at * 7 + (at >> 8) + (at >> 16) * 13;
  return bytes;
}

export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
