import { randomUUID } from "node:crypto";
import { createS3BlobStore } from "@twinfold/adapter-s3";
import type { BlobStore } from "@twinfold/core";
import { blobStoreConformance } from "@twinfold/testing";
import { beforeAll, it } from "vitest";
import { connection, describeS3, newBucket } from "./s3.js";

describeS3("createS3BlobStore on radosgw", () => {
  let bucket: string;
  beforeAll(async () => {
    bucket = await newBucket();
  });
  const prefixes = new WeakMap<BlobStore, string>();
  const openAt = (prefix: string) => {
    const store = createS3BlobStore({ ...connection(), bucket, prefix });
    prefixes.set(store, prefix);
    return store;
  };
  blobStoreConformance(
    { describe: describeS3, it },
    { open: async () => openAt(`conformance/${randomUUID()}`), reopen: async (store) => openAt(prefixes.get(store) as string) },
  );
});
