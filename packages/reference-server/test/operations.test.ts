import {
  type BlobStore,
  createMemoryAccountStore,
  createMemoryBlobStore,
  createMemoryHubStore,
  createHub,
  type HubStore,
  TwinfoldError,
} from "@twinfold/core";
import { createNodeEnv } from "@twinfold/adapter-fs";
import { createServer } from "@twinfold/reference-server";
import { describe, expect, it, onTestFinished } from "vitest";
import { createHttpServer } from "../src/http-server.js";
import { resolveServerOptions } from "../src/server-options.js";
import { frameOf, PASSWORD, signUp, startServer, withWorkspace } from "./running-server.js";

/** A server whose stores fail as they are told. */
async function serverOnFailingDisk() {
  const env = createNodeEnv();
  const logged: string[] = [];
  const failing: { with: TwinfoldError | undefined } = { with: undefined };
  const store: HubStore = createMemoryHubStore();
  const fail =
    <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      if (failing.with !== undefined) throw failing.with;
      return await call(...args);
    };
  const hubStore: HubStore = { ...store, append: fail(store.append), workspace: fail(store.workspace) };
  const blobs: BlobStore = createMemoryBlobStore();
  const failingBlobs: { with: TwinfoldError | undefined } = { with: undefined };
  const put: BlobStore["put"] = async (...args) => {
    if (failingBlobs.with !== undefined) throw failingBlobs.with;
    await blobs.put(...args);
  };
  const hub = createHub({ blobs: { ...blobs, put }, store: hubStore, env });
  const logTo = { write: (line: string) => void logged.push(line) };
  const config = resolveServerOptions({ dataDir: "/nowhere", logTo });
  const { app } = await createHttpServer({ hub, hubStore, accounts: createMemoryAccountStore(), env, config });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => app.close());
  return { url, failing, failingBlobs, logged };
}

describe("a server that fails", () => {
  it("says that the disk is full, and loses nothing of what it has confirmed", async () => {
    const { url, failing } = await serverOnFailingDisk();
    const { transport, workspaceId } = await withWorkspace(url);
    const [before, refused] = [frameOf(Uint8Array.of(1)), frameOf(Uint8Array.of(2))];
    await transport.upload({ workspaceId, frames: [before] });
    failing.with = new TwinfoldError("ERR_NO_SPACE", "cannot write /secret/place: the disk is full");
    const upload = transport.upload({ workspaceId, frames: [refused] });
    await expect(upload).rejects.toMatchObject({ code: "ERR_NO_SPACE", problem: { status: 507 } });
    await expect(upload).rejects.not.toThrow("/secret/place");
    failing.with = undefined;
    expect(await transport.missing({ workspaceId, chunkIds: [before.chunkId, refused.chunkId] })).toEqual([refused.chunkId]);
  });

  it("does not tell people that they may not when it is the server that may not write", async () => {
    const { url, failingBlobs, logged } = await serverOnFailingDisk();
    const { transport, workspaceId } = await withWorkspace(url);
    failingBlobs.with = new TwinfoldError("ERR_PERMISSION_DENIED", "cannot write s3://secret-bucket/a: check the keys");
    const upload = transport.upload({ workspaceId, frames: [frameOf(Uint8Array.of(1))] });
    await expect(upload).rejects.toMatchObject({ code: "ERR_SERVER_FAILED", message: expect.not.stringContaining("secret-bucket") });
    expect(logged.join("")).toContain("secret-bucket");
  });

  it("logs why, without tokens or names, and tells strangers nothing of its inside", async () => {
    const { url, failing, logged } = await serverOnFailingDisk();
    const { token, transport, workspaceId } = await withWorkspace(url);
    failing.with = new TwinfoldError("ERR_STORE_FAILED", "cannot read /secret/place");
    const upload = transport.upload({ workspaceId, frames: [frameOf(Uint8Array.of(1))] });
    await expect(upload).rejects.toMatchObject({
      code: "ERR_SERVER_FAILED",
      problem: { status: 500 },
      message: expect.not.stringContaining("/secret/place"),
    });
    expect(logged.join("")).toContain("cannot read /secret/place");
    for (const secret of [token, PASSWORD, "ada@example.org", "laptop", "home"]) expect(logged.join("")).not.toContain(secret);
  });

  it("is not ready, but alive", async () => {
    const { url, failing } = await serverOnFailingDisk();
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    failing.with = new TwinfoldError("ERR_STORE_UNAVAILABLE", "busy");
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe("a server's own pages", () => {
  it("count requests by route, without ids, and what the hub did", async () => {
    const { url } = await startServer();
    const { api } = await signUp(url);
    await expect(api.revokeDevice("0".repeat(32) as never)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('twinfold_http_request_seconds_count{method="DELETE",route="/v1/devices/:deviceId",status="404"} 1');
    expect(metrics).toContain("twinfold_hub_commits_total 0");
  });

  it("describe every route", async () => {
    const { url } = await startServer();
    const page = (await (await fetch(`${url}/openapi.json`)).json()) as { openapi: string; paths: Record<string, object> };
    expect(page.openapi).toBe("3.1.0");
    const operations = [
      "changes",
      "commit",
      "download",
      "draft",
      "heads",
      "hello",
      "manifests",
      "missing",
      "outcomes",
      "sketches",
      "upload",
      "versions",
      "wait",
    ];
    expect(Object.keys(page.paths).sort()).toEqual(
      [
        "/healthz",
        "/metrics",
        "/readyz",
        "/v1/accounts",
        "/v1/devices",
        "/v1/devices/{deviceId}",
        "/v1/me",
        "/v1/sessions",
        "/v1/sessions/current",
        "/v1/workspaces",
        ...operations.map((name) => `/v1/sync/${name}`),
      ].sort(),
    );
  });
});

describe("createServer", () => {
  it.each([
    { listen: "4747" },
    { listen: "127.0.0.1:99999" },
    { maxFileBytes: 0 },
    { maxWaitMs: 0.5 },
    { signInsPerMinute: 0 },
    { logLevel: "loud" as never },
    { dataDir: "" },
  ])("refuses %o by name", async (wrong) => {
    const [name = ""] = Object.keys(wrong);
    await expect(createServer({ dataDir: "/nowhere", ...wrong })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining(name),
    });
  });
});
