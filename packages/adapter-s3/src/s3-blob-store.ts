import type { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { type BlobInfo, type BlobStore, type ByteRange, checkBlobName, isBlobName, type OperationOptions, TwinfoldError } from "@twinfold/core";
import { createMultipart } from "./multipart.js";
import { digestOf, SHA256_KEY } from "./object-digest.js";
import { s3Code, s3Error } from "./s3-error.js";
import { resolveS3Options, type S3BlobStoreOptions } from "./s3-options.js";
import { type S3Object, type SendOptions, sendOptions } from "./s3-request.js";

/**
 * Keeps each blob as an object of a bucket, on S3 or a server that speaks its language.
 *
 * A `put` is one request, or several at a time for a blob over `2 * partBytes`; one that failed leaves no parts behind. `get` of a whole
 * blob checks the SHA-256 that was stored with it. `list` holds one page of 1,000 names. Nothing rests on conditional requests.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` for a wrong option. No request is made before the first call.
 */
export function createS3BlobStore(options: S3BlobStoreOptions): BlobStore {
  const place = resolveS3Options(options);
  const { client, ownsClient, bucket, keyPrefix, partBytes, label } = place;
  const multipart = createMultipart(place);
  let closed = false;

  function begin(signal: AbortSignal | undefined): void {
    if (closed) throw new TwinfoldError("ERR_CLOSED", `the blob store in ${label} was closed`);
    signal?.throwIfAborted();
  }

  async function run<T>(
    doing: string,
    name: string,
    { signal }: OperationOptions,
    work: (object: S3Object, sending: SendOptions) => Promise<T>,
  ): Promise<T> {
    begin(signal);
    checkBlobName(name);
    try {
      return await work({ Bucket: bucket, Key: keyPrefix + name }, sendOptions(signal));
    } catch (error) {
      signal?.throwIfAborted();
      throw s3Error(`${doing} the blob ${name} in ${label}`, error);
    }
  }

  async function write(object: S3Object, bytes: Uint8Array, sending: SendOptions): Promise<void> {
    const digest = digestOf(bytes);
    if (bytes.length > 2 * partBytes) return await multipart.put(object, bytes, digest, sending);
    await client.send(new PutObjectCommand({ ...object, Body: bytes, Metadata: { [SHA256_KEY]: digest } }), sending);
  }

  async function read(object: S3Object, name: string, range: ByteRange | undefined, sending: SendOptions): Promise<Uint8Array | undefined> {
    if (range !== undefined) checkRange(name, range);
    // HTTP has no empty range: the size alone says whether it is inside.
    if (range?.length === 0) {
      const info = await look(object, name, sending);
      if (info !== undefined && range.offset > info.sizeBytes) throw outside(name, range, info.sizeBytes);
      return info && new Uint8Array(0);
    }
    const Range = range && `bytes=${range.offset}-${range.offset + range.length - 1}`;
    let answer: GetObjectCommandOutput;
    try {
      answer = await client.send(new GetObjectCommand({ ...object, Range }), sending);
    } catch (error) {
      if (s3Code(error) === "NoSuchKey") return undefined;
      if (range !== undefined && s3Code(error) === "InvalidRange") throw outside(name, range);
      throw error;
    }
    const body = answer.Body as Readable;
    try {
      if (range === undefined) return await wholeBody(body, name, answer);
      const [, start, sizeBytes] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.ContentRange ?? "") ?? [];
      if (Number(start) !== range.offset) throw new TwinfoldError("ERR_STORE_FAILED", `the server of ${label} gives no ranges of objects`);
      if (range.offset + range.length > Number(sizeBytes)) throw outside(name, range, Number(sizeBytes));
      return await bodyBytes(body, name, range.length);
    } finally {
      body.destroy();
    }
  }

  async function wholeBody(body: Readable, name: string, { ContentLength = 0, Metadata }: GetObjectCommandOutput): Promise<Uint8Array> {
    const bytes = await bodyBytes(body, name, ContentLength);
    const expected = Metadata?.[SHA256_KEY]; // absent where another program copied the object without it
    if (expected !== undefined && digestOf(bytes) !== expected) {
      throw new TwinfoldError(
        "ERR_STORE_FAILED",
        `the bytes of the blob ${name} in ${label} are not those that were stored: restore it from a backup`,
      );
    }
    return bytes;
  }

  async function bodyBytes(body: Readable, name: string, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let at = 0;
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      if (at + piece.length > length) break;
      bytes.set(piece, at);
      at += piece.length;
    }
    if (at === length) return bytes;
    throw new TwinfoldError("ERR_STORE_UNAVAILABLE", `the blob ${name} in ${label} broke off after ${at} of ${length} bytes: try again`);
  }

  async function look(object: S3Object, name: string, sending: SendOptions): Promise<BlobInfo | undefined> {
    try {
      const { ContentLength } = await client.send(new HeadObjectCommand(object), sending);
      return { name, sizeBytes: ContentLength ?? 0 };
    } catch (error) {
      if (s3Code(error) !== "NotFound") throw error;
      // The answer to HEAD has no body: it does not tell a missing object from a missing bucket.
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: object.Key, MaxKeys: 1 }), sending);
      const found = Contents?.find(({ Key }) => Key === object.Key);
      return found && { name, sizeBytes: found.Size ?? 0 };
    }
  }

  async function remove(object: S3Object, sending: SendOptions): Promise<void> {
    try {
      await client.send(new DeleteObjectCommand(object), sending);
    } catch (error) {
      if (s3Code(error) !== "NoSuchKey") throw error;
    }
  }

  async function* pages(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<BlobInfo> {
    let ContinuationToken: string | undefined;
    do {
      begin(signal);
      const request = new ListObjectsV2Command({ Bucket: bucket, Prefix: keyPrefix + prefix, ContinuationToken });
      const page: ListObjectsV2CommandOutput = await client.send(request, sendOptions(signal));
      for (const { Key = "", Size = 0 } of page.Contents ?? []) {
        begin(signal);
        const name = Key.slice(keyPrefix.length);
        if (isBlobName(name)) yield { name, sizeBytes: Size }; // a console may have put the marker of a folder there
      }
      ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  return {
    put: (name, bytes, options = {}) => run("write", name, options, (object, sending) => write(object, bytes, sending)),
    get: (name, options = {}) => run("read", name, options, (object, sending) => read(object, name, options.range, sending)),
    head: (name, options = {}) => run("look at", name, options, (object, sending) => look(object, name, sending)),
    delete: (name, options = {}) => run("delete", name, options, remove),
    async *list(prefix, { signal } = {}) {
      try {
        yield* pages(prefix, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw s3Error(`list the blobs in ${label}`, error);
      }
    },
    async close() {
      if (ownsClient && !closed) client.destroy();
      closed = true;
    },
  };
}

function checkRange(name: string, range: ByteRange): void {
  const { offset, length } = range;
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) throw outside(name, range);
}

function outside(name: string, { offset, length }: ByteRange, sizeBytes?: number): TwinfoldError {
  const size = sizeBytes === undefined ? "" : `, which has ${sizeBytes}`;
  return new TwinfoldError("ERR_INVALID_ARGUMENT", `cannot read ${length} bytes at ${offset} of the blob ${name}${size}`);
}
