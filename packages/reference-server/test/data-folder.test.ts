import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createNodeEnv } from "@twinfold/adapter-fs";
import { createServer } from "@twinfold/reference-server";
import { openDataFolder } from "../src/data-folder.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { bytesOf, frameOf, loggedIn, startServer, temporaryFolder, withWorkspace } from "./running-server.js";

describe("a data folder", () => {
  it("is served by one server at a time, and is free when that has closed", async () => {
    const { dataDir, close } = await startServer();
    await expect(startServer({ dataDir })).rejects.toMatchObject({ code: "ERR_IN_USE", message: expect.stringContaining(String(process.pid)) });
    await close();
    await startServer({ dataDir });
  });

  it.each([
    ["of an earlier boot", { pid: process.pid, bootId: "another" }],
    ["of a process that has ended", { pid: 2 ** 22 + 1, bootId: createNodeEnv().bootId }],
    ["of an earlier process with the same pid", { pid: process.pid, bootId: createNodeEnv().bootId, startedAt: "1" }],
    ["that is not whole", undefined],
  ])("is taken over from a lock %s", async (_name, holder) => {
    const dataDir = await temporaryFolder();
    await writeFile(join(dataDir, "lock"), holder === undefined ? '{"pid":' : JSON.stringify(holder));
    await startServer({ dataDir });
    expect(JSON.parse(await readFile(join(dataDir, "lock"), "utf8"))).toMatchObject({ pid: process.pid });
  });

  it("is taken over by exactly one of many", async () => {
    const dataDir = await temporaryFolder();
    await writeFile(join(dataDir, "lock"), JSON.stringify({ pid: process.pid, bootId: "another" }));
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => openDataFolder(dataDir, createNodeEnv().bootId)));
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBe(1);
    for (const outcome of outcomes) if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "ERR_IN_USE" });
  });

  it("that is a file is refused", async () => {
    const dataDir = join(await temporaryFolder(), "file");
    await writeFile(dataDir, "");
    await expect(startServer({ dataDir })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(dataDir) });
  });

  it("is free again when the port is taken", async () => {
    const { url } = await startServer();
    const dataDir = await temporaryFolder();
    await expect(createServer({ dataDir, listen: new URL(url).host })).rejects.toMatchObject({ code: "ERR_PORT_IN_USE" });
    await startServer({ dataDir });
  });

  it("holds, after kill -9 in the middle of an upload, every whole frame that the server confirmed", async () => {
    const dataDir = await temporaryFolder();
    const first = await serveInProcess(dataDir);
    const session = await withWorkspace(first.url);
    const { transport, token, workspaceId } = session;
    const frames = [1, 2, 3, 4].map((byte) => frameOf(new Uint8Array(100_000).fill(byte)));
    const [confirmed, ...cut] = frames as [ReturnType<typeof frameOf>, ...typeof frames];
    expect((await transport.upload({ workspaceId, frames: [confirmed] })).stored).toEqual([confirmed.chunkId]);

    const body = bytesOf(cut);
    const uploading = request(`${first.url}/v1/sync/upload?workspace=${workspaceId}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/vnd.twinfold", "content-length": body.length },
    });
    const failed = once(uploading, "error");
    await new Promise((resolve) => uploading.write(body.subarray(0, -1), resolve));
    first.kill();
    await failed;

    const { url } = await startServer({ dataDir }); // takes the lock over
    const again = loggedIn(url, session);
    expect(await again.transport.missing({ workspaceId, chunkIds: [confirmed.chunkId] })).toEqual([]);
    await again.transport.upload({ workspaceId, frames: cut });
    expect(await again.transport.missing({ workspaceId, chunkIds: frames.map(({ chunkId }) => chunkId) })).toEqual([]);
  });
});

/** A server in a process of its own, which is killed at the test's end if not before. */
async function serveInProcess(dataDir: string): Promise<{ readonly url: string; kill(): void }> {
  const script = fileURLToPath(new URL("./serve-from-sources.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`the server ended with ${String(code)}`))),
  ]);
  return { url: String(line).trim(), kill: () => void child.kill("SIGKILL") };
}
