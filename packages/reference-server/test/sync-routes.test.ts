import { readdir, readFile, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { type AddressInfo, connect, createServer as createProxy } from "node:net";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { type ChunkId, helloHash as helloHashOf, nobleSha256 } from "@twinfold/core";
import { createHttpTransport } from "@twinfold/transport-http";
import { describe, expect, it } from "vitest";
import { all, bytesOf, frameOf, signUp, startServer, withWorkspace } from "./running-server.js";

const frames = [1, 2, 3].map((byte) => frameOf(new Uint8Array(5_000).fill(byte)));
const ids = frames.map(({ chunkId }) => chunkId);

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await turn();
}

/** Bytes that cross a connection both ways while `call` uses the address that it is given. */
async function bytesOnTheWire(url: string, call: (through: string) => Promise<void>): Promise<number> {
  let count = 0;
  const proxy = createProxy((socket) => {
    const onward = connect(Number(new URL(url).port), "127.0.0.1");
    for (const end of [socket, onward]) end.on("data", (bytes) => (count += bytes.length)).on("error", () => {});
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  await call(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  proxy.close();
  return count;
}

describe("sync routes", () => {
  it("bring and fetch chunks, also such as nobody has", async () => {
    const { url } = await startServer();
    const { transport, workspaceId } = await withWorkspace(url);
    const absent = "0".repeat(64) as ChunkId;
    expect((await transport.upload({ workspaceId, frames })).stored).toEqual(ids);
    const [first, none, ...rest] = await all(transport.download({ workspaceId, chunkIds: [ids[0] as ChunkId, absent, ...ids.slice(1)] }));
    expect(none).toMatchObject({ chunkId: absent, codec: "absent" });
    expect([first, ...rest].map((frame) => frame?.chunkId)).toEqual(ids);
  });

  it("keep the whole frames of an upload that ends inside one", async () => {
    const { url } = await startServer();
    const { transport, token, workspaceId } = await withWorkspace(url);
    const response = await fetch(`${url}/v1/sync/upload?workspace=${workspaceId}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/vnd.twinfold" },
      body: bytesOf(frames).subarray(0, -1),
    });
    expect(await response.json()).toMatchObject({ code: "ERR_PROTOCOL" });
    expect(await transport.missing({ workspaceId, chunkIds: ids })).toEqual(ids.slice(2));
  });

  it.each([
    ["bytes", [1, 2, 3].map((byte) => frameOf(new Uint8Array(4 * 1024 ** 2).fill(byte))), 2],
    ["frames", Array.from({ length: 4_097 }, (_, at) => frameOf(Buffer.from(`${at}`))), 4_096],
  ])("refuse an upload of more %s than one may carry, and keep those that it may", async (_what, tooMany, kept) => {
    const { url } = await startServer();
    const { transport, token, workspaceId } = await withWorkspace(url);
    const response = await fetch(`${url}/v1/sync/upload?workspace=${workspaceId}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/vnd.twinfold" },
      body: bytesOf(tooMany),
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "ERR_TOO_LARGE" });
    const chunkIds = tooMany.map(({ chunkId }) => chunkId);
    expect(await transport.missing({ workspaceId, chunkIds })).toEqual(chunkIds.slice(kept));
  });

  it("keep the whole frames of a client that dies on the way, which is no failure of the server", async () => {
    const logged: string[] = [];
    const { url, close } = await startServer({ logLevel: "error", logTo: { write: (line) => void logged.push(line) } });
    const { transport, token, workspaceId } = await withWorkspace(url);
    const body = bytesOf(frames);
    const dying = httpRequest(`${url}/v1/sync/upload?workspace=${workspaceId}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/vnd.twinfold", "content-length": body.length },
    });
    dying.on("error", () => {});
    await new Promise((resolve) => dying.write(body.subarray(0, -1), resolve));
    dying.destroy();
    await until(async () => (await transport.missing({ workspaceId, chunkIds: ids })).length === 1);
    expect(await transport.missing({ workspaceId, chunkIds: ids })).toEqual(ids.slice(2));
    await close();
    expect(logged).toEqual([]);
  });

  it("refuse a frame whose bytes are not its id's, by name", async () => {
    const { url } = await startServer();
    const { transport, workspaceId } = await withWorkspace(url);
    const [wrong] = ids;
    const upload = transport.upload({ workspaceId, frames: [{ ...frameOf(Uint8Array.of(9)), chunkId: wrong as ChunkId }] });
    await expect(upload).rejects.toMatchObject({ code: "ERR_INTEGRITY", message: expect.stringContaining(wrong as string) });
  });

  it("give a chunk that the disk has spoiled as absent, and log its name", async () => {
    const logged: string[] = [];
    const { url, dataDir } = await startServer({ logLevel: "error", logTo: { write: (line) => void logged.push(line) } });
    const { transport, workspaceId } = await withWorkspace(url);
    const frame = frameOf(new TextEncoder().encode("a text that is found again in its pack".repeat(1_000)));
    await transport.upload({ workspaceId, frames: [frame] });
    const packs = (await readdir(join(dataDir, "blobs"), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    for (const pack of packs) {
      const path = join(pack.parentPath, pack.name);
      const bytes = await readFile(path);
      const last = bytes.length - 1;
      bytes[last] = (bytes[last] ?? 0) ^ 255;
      await writeFile(path, bytes);
    }
    expect(await all(transport.download({ workspaceId, chunkIds: [frame.chunkId] }))).toMatchObject([{ chunkId: frame.chunkId, codec: "absent" }]);
    expect(logged).toEqual([expect.stringMatching(`ERR_INTEGRITY.*${frame.chunkId}|${frame.chunkId}.*ERR_INTEGRITY`)]);
  });

  it("show one account nothing of another's workspace", async () => {
    const { url } = await startServer();
    const { transport: owner, workspaceId } = await withWorkspace(url);
    const { transport } = await signUp(url, "eve@example.org");
    await owner.upload({ workspaceId, frames });
    const query = { workspaceId, replicaId: "1".repeat(32) as never, inDoubt: [] };
    expect((await transport.changes({ workspaces: [query] })).workspaces).toEqual([{ kind: "gone" }]);
    await expect(transport.heads({ workspaceId, afterSeq: 0 })).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    await expect(all(transport.download({ workspaceId, chunkIds: ids }))).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
  });

  it("end what a revoked device holds", async () => {
    const { url } = await startServer();
    const { api, transport, device, workspaceId } = await withWorkspace(url);
    const held = transport.wait({ workspaces: [{ workspaceId, afterSeq: 0 }], timeoutMs: 50_000 });
    const refused = expect(held).rejects.toMatchObject({ code: "ERR_UNAUTHENTICATED" });
    await until(async () => (await (await fetch(`${url}/metrics`)).text()).includes("twinfold_hub_waiting 1"));
    await api.revokeDevice(device.deviceId);
    await refused;
    await expect(transport.hello()).rejects.toMatchObject({ code: "ERR_UNAUTHENTICATED" });
  });

  it("forget the long poll of a client that went away", async () => {
    const { url } = await startServer();
    const { transport, workspaceId } = await withWorkspace(url);
    const leaving = new AbortController();
    const waiting = async (): Promise<boolean> => (await (await fetch(`${url}/metrics`)).text()).includes("twinfold_hub_waiting 1");
    const held = transport.wait({ workspaces: [{ workspaceId, afterSeq: 0 }], timeoutMs: 50_000 }, { signal: leaving.signal });
    const left = expect(held).rejects.toBe("left");
    await until(waiting);
    leaving.abort("left");
    await left;
    await until(async () => !(await waiting()));
  });

  it("wake those who wait when the server stops, and let it stop", async () => {
    const { url, close } = await startServer();
    const { transport, workspaceId } = await withWorkspace(url);
    const held = transport.wait({ workspaces: [{ workspaceId, afterSeq: 0 }], timeoutMs: 50_000 });
    await until(async () => (await (await fetch(`${url}/metrics`)).text()).includes("twinfold_hub_waiting 1"));
    await close();
    await held;
    await expect(transport.hello()).rejects.toMatchObject({ code: "ERR_UNREACHABLE" });
  });

  it("take no more than 1.2 KB both ways for a quiet changes, headers included", async () => {
    const { url } = await startServer();
    const { transport, token, workspaceId } = await withWorkspace(url);
    const { cursor } = await transport.heads({ workspaceId, afterSeq: 0 });
    const query = { workspaceId, replicaId: "1".repeat(32) as never, cursor, highest: cursor, inDoubt: [] };
    const counted = await bytesOnTheWire(url, async (through) => {
      const { hello } = await transport.changes({ workspaces: [query] });
      const helloHash = hello === undefined ? undefined : helloHashOf(hello, nobleSha256);
      await createHttpTransport({ url: through, token }).changes({ helloHash, workspaces: [query] });
    });
    expect(counted).toBeGreaterThan(300);
    expect(counted).toBeLessThan(900);
  });
});
