import { inspect } from "node:util";
import type { BlobStore, TwinfoldError } from "@twinfold/core";
import { beforeAll, expect, it } from "vitest";
import { type Fault, faultyGateway } from "./faulty-gateway.js";
import { collect, connection, describeS3, MIB, newBucket, openStore, openUploads, patterned, rejection } from "./s3.js";

const SERVER_BUSY = { kind: "answer", status: 503, body: "<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>" } as const;
/** What `CompleteMultipartUpload` answers when it fails after it began: the status came first. */
const LATE_ERROR = {
  kind: "answer",
  status: 200,
  body: '<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>x</Message></Error>',
} as const;
const LARGE = patterned(16 * MIB);

const isPart = (line: string, part: number) => line.includes(`partNumber=${part}&`);
const isComplete = (line: string) => line.startsWith("POST") && line.includes("uploadId=");

/** Each of the five calls, to be made one after the other. */
function callsOf(store: BlobStore): ReadonlyArray<() => Promise<unknown>> {
  return [
    () => store.put("a", new Uint8Array(1)),
    () => store.get("a"),
    () => store.head("a"),
    () => store.delete("a"),
    () => collect(store.list("")),
  ];
}

describeS3("An S3 blob store that meets a failure", () => {
  let bucket: string;
  beforeAll(async () => {
    bucket = await newBucket();
  });

  async function behind(prefix: string, faultOf: (line: string, count: number) => Fault | undefined, options = {}) {
    const gateway = await faultyGateway(faultOf);
    return { ...gateway, store: openStore(bucket, { prefix, endpoint: gateway.endpoint, ...options }), direct: openStore(bucket, { prefix }) };
  }

  it("says of a missing bucket that it is missing, in every call", async () => {
    for (const call of callsOf(openStore("no-such-bucket-here"))) {
      expect(await rejection(call())).toMatchObject({ code: "ERR_STORE_FAILED", message: expect.stringMatching(/no-such-bucket-here.*create it/) });
    }
  });

  it("says of keys that are wrong what to check, in every call, and shows none of them", async () => {
    const { credentials } = connection();
    for (const wrong of [
      { accessKeyId: credentials.accessKeyId, secretAccessKey: "not-the-secret-key" },
      { accessKeyId: "nobody-at-all", secretAccessKey: "not-the-secret-key" },
    ]) {
      for (const call of callsOf(openStore(bucket, { credentials: { ...wrong, sessionToken: "the-session-token" } }))) {
        const error = await rejection(call());
        expect(error).toMatchObject({ code: "ERR_PERMISSION_DENIED", retryable: false, message: expect.stringContaining("AWS_ACCESS_KEY_ID") });
        const shown = inspect(error, { depth: null, showHidden: true });
        expect(shown).not.toMatch(/not-the-secret-key|the-session-token/);
      }
    }
  });

  it("is retryable in every call when nobody listens", async () => {
    const store = openStore(bucket, { endpoint: "http://127.0.0.1:1" });
    for (const call of callsOf(store)) {
      expect(await rejection(call())).toMatchObject({
        code: "ERR_STORE_UNAVAILABLE",
        retryable: true,
        message: expect.stringContaining("ECONNREFUSED"),
      });
    }
  });

  it("waits out a server that is busy, and sends no request more often than it may", async () => {
    const patient = await behind("patient", (_, count) => (count < 3 ? SERVER_BUSY : undefined), { maxAttempts: 3 });
    await patient.store.put("a", Uint8Array.of(7));
    expect(await patient.direct.get("a")).toEqual(Uint8Array.of(7));
    expect(patient.requests.length).toBe(3);

    const hopeless = await behind("hopeless", () => SERVER_BUSY, { maxAttempts: 3 });
    expect(await rejection(hopeless.store.put("a", new Uint8Array(1)))).toMatchObject({ code: "ERR_STORE_UNAVAILABLE", retryable: true });
    expect(hopeless.requests.length).toBe(3);
  });

  it.each([
    [500, "", "ERR_STORE_UNAVAILABLE"],
    [502, "<html><body>Bad Gateway</body></html>", "ERR_STORE_UNAVAILABLE"],
    [503, "", "ERR_STORE_UNAVAILABLE"],
    [429, "", "ERR_STORE_UNAVAILABLE"],
    [507, "<Error><Code>XMinioStorageFull</Code></Error>", "ERR_NO_SPACE"],
    [403, "<Error><Code>AccessDenied</Code></Error>", "ERR_PERMISSION_DENIED"],
    [401, "", "ERR_PERMISSION_DENIED"],
    [404, "<html><body>no S3 here</body></html>", "ERR_STORE_FAILED"],
    [301, "<Error><Code>PermanentRedirect</Code></Error>", "ERR_STORE_FAILED"],
    [400, "<Error><Code>AuthorizationHeaderMalformed</Code></Error>", "ERR_STORE_FAILED"],
  ])("takes an answer of %i %s for %s, never for absence", async (status, body, code) => {
    const { store } = await behind("answers", () => ({ kind: "answer", status, body }));
    for (const call of callsOf(store)) expect(await rejection(call())).toMatchObject({ name: "TwinfoldError", code });
  });

  it("gives up a connection on which nothing moves", async () => {
    const { store } = await behind("silent", () => ({ kind: "silence" }), { idleTimeoutMs: 100 });
    expect(await rejection(store.get("a"))).toMatchObject({ code: "ERR_STORE_UNAVAILABLE", retryable: true });
  });

  it("does not take the beginning of a blob for the blob", async () => {
    const { store, direct } = await behind("cut", () => ({ kind: "cut-answer", afterBytes: MIB }));
    await direct.put("a", LARGE.subarray(0, 2 * MIB));
    for (const range of [undefined, { offset: 10, length: MIB + 10 }]) {
      expect(await rejection(store.get("a", { range }))).toMatchObject({ code: "ERR_STORE_UNAVAILABLE", retryable: true });
    }
  });

  it("stores nothing of bytes that were damaged on their way, in one request or in parts", async () => {
    const { store, direct } = await behind("damaged-up", (line) => (line.startsWith("PUT") ? { kind: "damage", what: "request" } : undefined));
    for (const bytes of [LARGE.subarray(0, 1000), LARGE]) {
      expect(await rejection(store.put("a", bytes))).toMatchObject({ code: "ERR_STORE_UNAVAILABLE", retryable: true });
      expect(await direct.get("a")).toBeUndefined();
    }
    expect(await openUploads(bucket)).toEqual([]);
  });

  it("notices damage of a whole blob on its way back", async () => {
    const { store, direct } = await behind("damaged-down", () => ({ kind: "damage", what: "answer" }));
    await direct.put("a", LARGE.subarray(0, 1000));
    expect(await rejection(store.get("a"))).toMatchObject({
      code: "ERR_STORE_FAILED",
      message: expect.stringContaining("not those that were stored"),
    });
  });

  it("leaves neither parts nor a blob when one part fails", async () => {
    const { store, direct } = await behind("part-fails", (line) =>
      isPart(line, 2) ? { kind: "answer", status: 403, body: "<Error><Code>AccessDenied</Code></Error>" } : undefined,
    );
    expect(await rejection(store.put("a", LARGE))).toMatchObject({ code: "ERR_PERMISSION_DENIED", message: expect.stringContaining("s3:PutObject") });
    expect(await direct.get("a")).toBeUndefined();
    expect(await openUploads(bucket)).toEqual([]);
  });

  it("leaves neither parts nor a blob when an upload in parts is aborted, and rejects with the signal's own reason", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const { store, direct } = await behind("aborted", (line) => {
      if (isPart(line, 3)) controller.abort(reason);
      return undefined;
    });
    expect(await rejection(store.put("a", LARGE, { signal: controller.signal }))).toBe(reason);
    expect(await direct.get("a")).toBeUndefined();
    expect(await openUploads(bucket)).toEqual([]);
  });

  it("does not take an error that comes after status 200 for success", async () => {
    const { store, direct, requests } = await behind("late-error", (line) => (isComplete(line) ? LATE_ERROR : undefined));
    expect(await rejection(store.put("a", LARGE))).toMatchObject({ code: "ERR_STORE_UNAVAILABLE", retryable: true });
    expect(requests.filter(isComplete).length).toBe(2);
    expect(await direct.get("a")).toBeUndefined();
    expect(await openUploads(bucket)).toEqual([]);
  });

  it("finds out that an upload whose answer was lost is complete", async () => {
    const { store, direct, requests } = await behind("lost-answer", (line) => (isComplete(line) ? { kind: "lose-answer" } : undefined));
    await store.put("a", LARGE);
    expect(requests.filter(isComplete).length).toBe(2);
    expect(Buffer.compare((await direct.get("a")) ?? new Uint8Array(), LARGE)).toBe(0);
    expect(await openUploads(bucket)).toEqual([]);
  });

  it("does not take the older blob of that name for an upload that failed", async () => {
    const { store, direct } = await behind("older", (line) => (isComplete(line) ? SERVER_BUSY : undefined));
    const older = LARGE.map((byte) => byte ^ 255);
    await direct.put("a", older);
    expect(await rejection(store.put("a", LARGE))).toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    expect(Buffer.compare((await direct.get("a")) ?? new Uint8Array(), older)).toBe(0);
  });

  it("removes with the next upload the parts that it could not remove", async () => {
    let broken = true;
    const { store } = await behind("later", (line) => (broken && (isPart(line, 2) || line.startsWith("DELETE")) ? SERVER_BUSY : undefined));
    const first = (await rejection(store.put("a", LARGE))) as TwinfoldError;
    expect(first.code).toBe("ERR_STORE_UNAVAILABLE");
    expect(await openUploads(bucket)).toEqual(["later/a"]);

    broken = false;
    await store.put("b", LARGE);
    expect(await openUploads(bucket)).toEqual([]);
  });
});
