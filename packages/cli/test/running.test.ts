import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SyncReport } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { requestAt } from "../src/daemon/request-client.js";
import { tells } from "./twins.js";
import { loggedIn, type Running, signedUp, startServer, startTwinfold, temporaryFolder, twinfold } from "./twinfold.js";

async function linkedFolder(home: string, workspace = "twins"): Promise<string> {
  const folder = await temporaryFolder();
  const { code, stderr } = await twinfold(["link", folder, "--workspace", workspace, "--json"], { home });
  if (code !== 0) throw new Error(stderr);
  return folder;
}

/** A running `twinfold sync`, once it follows a link. */
async function following(home: string, ...args: string[]): Promise<Running> {
  const running = startTwinfold(["sync", ...args, "--json"], { home });
  await running.line(tells("link:followed"));
  return running;
}

/** True of the end of a pass that uploaded something. */
function uploaded(line: string): boolean {
  const { event, fact } = JSON.parse(line) as { event: string; fact: { report: SyncReport } };
  return event === "sync:finished" && fact.report.filesUploaded > 0;
}

describe("twinfold sync", () => {
  it("carries changes from one device to the other as they happen, as JSON lines, and ends with 0 on SIGTERM", async () => {
    const { url } = await startServer();
    const [laptop, phone] = [await signedUp(url), await loggedIn(url)];
    const [here, there] = [await linkedFolder(laptop), await linkedFolder(phone)];
    const [sending, receiving] = [await following(laptop), await following(phone)];
    for (const name of ["a.txt", "b.txt"]) {
      await writeFile(join(here, name), name);
      await sending.line(uploaded);
      await receiving.line(tells("file:downloaded", name));
      expect(await readFile(join(there, name), "utf8")).toBe(name);
    }
    expect(await sending.stop("SIGTERM")).toBe(0);
    expect(await receiving.stop("SIGINT")).toBe(0);
  });

  it("says that the server is out of reach, keeps trying, and goes on when it is back", async () => {
    const data = await temporaryFolder();
    const server = await startServer(data);
    const home = await signedUp(server.url);
    const folder = await linkedFolder(home);
    const running = await following(home);
    await running.line(tells("sync:finished"));
    await server.running.stop("SIGKILL");
    await running.line(tells("connection:lost"));
    await writeFile(join(folder, "offline.txt"), "offline");
    await startServer(data, new URL(server.url).host);
    await running.line(uploaded);
    await running.line(tells("connection:restored"));
  });

  it("ends with 1 and ERR_UNAUTHENTICATED when its device is revoked", async () => {
    const { url } = await startServer();
    const [laptop, phone] = [await signedUp(url), await loggedIn(url)];
    const folder = await linkedFolder(phone);
    const running = await following(phone);
    await running.line(tells("sync:finished"));
    const { json } = await twinfold(["whoami", "--json"], { home: phone });
    expect((await twinfold(["devices", "revoke", String(json.deviceId)], { home: laptop })).code).toBe(0);
    await writeFile(join(folder, "late.txt"), "late");
    expect(await running.line(tells("link:stopped"))).toContain("ERR_UNAUTHENTICATED");
    expect(await running.ended).toBe(1);
  });

  it("runs once for each state folder, and nobody logs in or out under it", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    await linkedFolder(home);
    const running = await following(home);
    for (const args of [["sync"], ["logout"]]) {
      const { code, json } = await twinfold([...args, "--json"], { home });
      expect({ code, json }).toMatchObject({
        code: 1,
        json: { error: { code: "ERR_IN_USE", message: expect.stringContaining(String(running.process.pid)) } },
      });
    }
  });
});

describe("a running process", () => {
  it("does passes, links, pauses and unlinks for other commands", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    const folder = await linkedFolder(home, "one");
    const running = await following(home);
    await running.line(tells("sync:finished"));
    expect((await twinfold(["status", "--json"], { home })).json).toMatchObject({ running: true, links: [{ path: folder, state: "following" }] });

    const pass = await twinfold(["sync", folder, "--once", "--json"], { home });
    expect(pass).toMatchObject({ code: 0, json: { inSync: true } });
    expect(Number(pass.json.bytesSent) + Number(pass.json.bytesReceived)).toBeLessThanOrEqual(2_048);

    const second = await linkedFolder(home, "two");
    await running.line(tells("link:followed", second));
    await writeFile(join(second, "a.txt"), "a");
    await running.line(uploaded);

    expect((await twinfold(["pause", second, "--json"], { home })).json).toMatchObject({ paused: true, links: [{ path: second }] });
    const paused = await twinfold(["status", second, "--json"], { home });
    expect(paused.json).toMatchObject({ links: [{ state: "paused" }] });
    await writeFile(join(second, "b.txt"), "b");
    await writeFile(join(folder, "c.txt"), "c");
    await running.line(uploaded);
    expect((await twinfold(["resume", "--json"], { home })).code).toBe(0);
    await running.line(uploaded);

    expect((await twinfold(["unlink", second, "--json"], { home })).code).toBe(0);
    expect((await twinfold(["status", "--json"], { home })).json.links).toHaveLength(1);
    expect(await running.stop()).toBe(0);
  });

  it("that is killed leaves nothing that stands in the way of the next", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    const folder = await linkedFolder(home);
    for (let round = 0; round < 3; round++) {
      const running = await following(home);
      await running.stop("SIGKILL");
      await writeFile(join(folder, `${round}.txt`), `${round}`);
      expect(await twinfold(["sync", folder, "--once", "--json"], { home })).toMatchObject({ code: 0, json: { inSync: true, filesUploaded: 1 } });
      expect((await twinfold(["status", "--json"], { home })).json).toMatchObject({ running: false });
    }
  });

  it("is reached also where the state folder's path is too long for a socket", async () => {
    const { url } = await startServer();
    const home = join(await temporaryFolder(), "long".repeat(40));
    await mkdir(home);
    const args = ["signup", "--server", url, "--email", "bob@example.com", "--password-stdin", "--json"];
    expect((await twinfold(args, { home, input: "correct horse battery staple" })).code).toBe(0);
    await linkedFolder(home);
    await following(home);
    expect((await twinfold(["status", "--json"], { home })).json).toMatchObject({ running: true });
  });

  it("that is stopped sends whoever waits for a pass elsewhere", async () => {
    const server = await startServer();
    const home = await signedUp(server.url);
    const folder = await linkedFolder(home);
    const running = await following(home);
    await running.line(tells("sync:finished"));
    server.running.process.kill("SIGSTOP"); // so that no pass can end
    const asked = requestAt(join(home, "socket"), "sync", { dirs: [folder], confirm: false }, { signal: new AbortController().signal });
    // Connections are taken in their order: this one is answered after that one was taken.
    expect((await twinfold(["status", "--json"], { home })).json).toMatchObject({ running: true });
    expect(await running.stop()).toBe(0);
    expect(await asked).toEqual({ kind: "refused" });
    server.running.process.kill("SIGCONT");
    expect(await twinfold(["sync", folder, "--once", "--json"], { home })).toMatchObject({ code: 0, json: { inSync: true } });
  });
});

describe("commands at the same time", () => {
  it("take turns", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    const folder = await linkedFolder(home);
    for (let at = 0; at < 50; at++) await writeFile(join(folder, `${at}.txt`), `${at}`);
    const results = await Promise.all([
      ...Array.from({ length: 3 }, () => twinfold(["sync", folder, "--once", "--json"], { home })),
      ...Array.from({ length: 3 }, () => twinfold(["status", "--json"], { home })),
    ]);
    expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual(results.map(() => ({ code: 0, stderr: "" })));
    expect((await twinfold(["sync", folder, "--once", "--json"], { home })).json).toMatchObject({ inSync: true, filesUploaded: 0 });
  });
});

describe("twinfold serve", () => {
  it("prints its address on one line, and ends with 0 on SIGTERM", async () => {
    const server = startTwinfold(["serve", "--data", await temporaryFolder(), "--listen", "127.0.0.1:0"]);
    const address = await server.line((line) => line.startsWith("http://127.0.0.1:"));
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    expect(await server.stop("SIGTERM")).toBe(0);
  });

  it("prints the settings in force: the command line before the file, the file before the defaults", async () => {
    const folder = await temporaryFolder();
    const config = join(folder, "server.json");
    await writeFile(config, JSON.stringify({ dataDir: "data", listen: "127.0.0.1:1", signUp: false }));
    const { code, json } = await twinfold(["serve", "--config", config, "--listen", "127.0.0.1:2", "--print-config", "--json"]);
    expect(code).toBe(0);
    expect(json).toMatchObject({ dataDir: join(folder, "data"), host: "127.0.0.1", port: 2, signUp: false, maxWaitMs: 55_000 });
  });

  it("refuses a config file that names what it does not know", async () => {
    const config = join(await temporaryFolder(), "server.json");
    await writeFile(config, JSON.stringify({ dataDirectory: "data" }));
    const { code, json } = await twinfold(["serve", "--config", config, "--json"]);
    expect({ code, json }).toMatchObject({ code: 2, json: { error: { code: "ERR_USAGE", message: expect.stringContaining("dataDirectory") } } });
  });

  it("exits 1 with ERR_PORT_IN_USE where another one listens", async () => {
    const { url } = await startServer();
    const { code, json } = await twinfold(["serve", "--data", await temporaryFolder(), "--listen", new URL(url).host, "--json"]);
    expect({ code, json }).toMatchObject({ code: 1, json: { error: { code: "ERR_PORT_IN_USE" } } });
  });
});
