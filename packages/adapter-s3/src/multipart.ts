import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListPartsCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { TwinfoldError } from "@twinfold/core";
import { SHA256_KEY } from "./object-digest.js";
import { s3Code } from "./s3-error.js";
import type { S3Place } from "./s3-options.js";
import type { S3Object, SendOptions } from "./s3-request.js";

/** Parts on their way at a time: all views of the caller's array, so that memory does not grow with the blob. */
const PARTS_AT_ONCE = 4;

/** Longest that an upload which failed waits for its parts to be removed; they are tried again with the next one. */
const MAX_REMOVAL_MS = 5_000;

/** A part that arrives while its upload is removed may outlive the first removal. Source: Amazon S3 API, AbortMultipartUpload. */
const REMOVALS = 3;

interface Upload extends S3Object {
  readonly UploadId: string;
}

/**
 * Uploads blobs in parts. One that fails leaves no parts: should the server be out of reach then, the next upload removes them.
 *
 * `Upload` of @aws-sdk/lib-storage does not do: when aborted it rejects before its parts are gone, after one part's failure it goes on with
 * the others, and it takes a lost answer to the completion for a failure.
 */
export function createMultipart({ client, partBytes }: S3Place) {
  const leftovers = new Set<Upload>();

  async function put(object: S3Object, bytes: Uint8Array, digest: string, sending: SendOptions): Promise<void> {
    await Promise.all([...leftovers].map(remove));
    const created = await client.send(new CreateMultipartUploadCommand({ ...object, Metadata: { [SHA256_KEY]: digest } }), sending);
    if (created.UploadId === undefined) throw new TwinfoldError("ERR_STORE_FAILED", "the server began an upload without giving its id");
    const upload: Upload = { ...object, UploadId: created.UploadId };
    try {
      await complete(upload, await uploadParts(upload, bytes, sending), bytes.length, digest, sending);
    } catch (error) {
      await remove(upload);
      throw error;
    }
  }

  /** Gives the parts' ETags in order. When it rejects no part is on its way any more. */
  async function uploadParts(upload: Upload, bytes: Uint8Array, { abortSignal: given }: SendOptions): Promise<string[]> {
    const count = Math.ceil(bytes.length / partBytes);
    const etags: string[] = [];
    const failed = new AbortController();
    const abortSignal = given === undefined ? failed.signal : AbortSignal.any([given, failed.signal]);
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        const at = next++;
        const Body = bytes.subarray(at * partBytes, (at + 1) * partBytes);
        const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: at + 1, Body }), { abortSignal });
        if (ETag === undefined) throw new TwinfoldError("ERR_STORE_FAILED", `the server took part ${at + 1} without giving its ETag`);
        etags[at] = ETag;
      }
    };
    let firstFailure: { readonly error: unknown } | undefined;
    const workers = Array.from({ length: PARTS_AT_ONCE }, () =>
      worker().catch((error: unknown) => {
        firstFailure ??= { error };
        failed.abort();
      }),
    );
    await Promise.all(workers);
    if (firstFailure !== undefined) throw firstFailure.error;
    return etags;
  }

  async function complete(upload: Upload, etags: readonly string[], sizeBytes: number, digest: string, sending: SendOptions): Promise<void> {
    const Parts = etags.map((ETag, index) => ({ PartNumber: index + 1, ETag }));
    try {
      await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }), sending);
    } catch (error) {
      sending.abortSignal?.throwIfAborted();
      // The answer may have been lost, or repeated to a server that was done: what is there decides.
      if (!(await isThere(upload, sizeBytes, digest, sending))) throw error;
    }
  }

  async function isThere({ Bucket, Key }: Upload, sizeBytes: number, digest: string, sending: SendOptions): Promise<boolean> {
    try {
      const { ContentLength, Metadata } = await client.send(new HeadObjectCommand({ Bucket, Key }), sending);
      return ContentLength === sizeBytes && Metadata?.[SHA256_KEY] === digest;
    } catch {
      return false;
    }
  }

  async function remove(upload: Upload): Promise<void> {
    const sending = { abortSignal: AbortSignal.timeout(MAX_REMOVAL_MS) };
    leftovers.add(upload);
    try {
      for (let removal = 0; removal < REMOVALS; removal++) {
        await client.send(new AbortMultipartUploadCommand(upload), sending);
        await client.send(new ListPartsCommand({ ...upload, MaxParts: 1 }), sending);
      }
    } catch (error) {
      if (s3Code(error) === "NoSuchUpload") leftovers.delete(upload);
    }
  }

  return { put };
}
