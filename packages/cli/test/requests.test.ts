import { stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { TwinfoldError } from "@twinfold/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { requestAt } from "../src/daemon/request-client.js";
import { type RequestServer, serveRequests } from "../src/daemon/request-server.js";
import type { RequestOptions, RequestTarget } from "../src/daemon/requests.js";
import { openDeviceHome } from "../src/device/home.js";
import { prepareSocketPath } from "../src/device/socket-path.js";
import { temporaryFolder } from "./twinfold.js";

const EVENT = { event: "link:followed", link: "/a", fact: { workspace: "a" } } as const;
const NEVER = new AbortController().signal;

/** Answers every method by `answer`, at a socket of its own. */
async function serving(answer: (ask: unknown, options: RequestOptions) => Promise<unknown>): Promise<{ path: string; server: RequestServer }> {
  const path = join(await temporaryFolder(), "socket");
  const target = { request: async (_: unknown, ask: unknown, options: RequestOptions) => await answer(ask, options) } as RequestTarget;
  const server = await serveRequests(path, target);
  onTestFinished(async () => await server.close());
  return { path, server };
}

/** A promise and what settles it. */
function signalled(): { readonly promise: Promise<void>; readonly tell: () => void } {
  let tell = (): void => {};
  const promise = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return { promise, tell };
}

describe("requests between commands", () => {
  it("carry what is asked, facts meanwhile, and the answer", async () => {
    const { path } = await serving(async (ask, { onEvent }) => {
      onEvent?.(EVENT);
      return { asked: ask };
    });
    const facts: unknown[] = [];
    const outcome = await requestAt(path, "status", { dirs: ["ü\n"] }, { signal: NEVER, onEvent: (fact) => facts.push(fact) });
    expect(outcome).toEqual({ kind: "answered", answer: { asked: { dirs: ["ü\n"] } } });
    expect(facts).toEqual([EVENT]);
  });

  it("carry an error with its code", async () => {
    const { path } = await serving(async () => await Promise.reject(new TwinfoldError("ERR_NOT_FOUND", "no such thing")));
    await expect(requestAt(path, "status", { dirs: [] }, { signal: NEVER })).rejects.toMatchObject({
      code: "ERR_NOT_FOUND",
      message: "no such thing",
    });
  });

  it("are refused, not failed, where nobody answers", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "file"), "");
    for (const name of ["absent", "file"]) {
      expect(await requestAt(join(folder, name), "status", { dirs: [] }, { signal: NEVER })).toEqual({ kind: "refused" });
    }
  });

  it("stop when the asker goes away", async () => {
    const [began, ended] = [signalled(), signalled()];
    const { path } = await serving(async (_, { signal }) => {
      began.tell();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      ended.tell();
      return {};
    });
    const stop = new AbortController();
    const asking = requestAt(path, "link", { dir: "/a" }, { signal: stop.signal });
    await began.promise;
    const reason = new Error("stop");
    stop.abort(reason);
    await expect(asking).rejects.toBe(reason);
    await ended.promise;
  });

  it("that may be made again are sent elsewhere when the process ends, the others are finished", async () => {
    const [bothBegan, mayLink] = [signalled(), signalled()];
    let count = 0;
    const { path, server } = await serving(async (ask, { signal }) => {
      count += 1;
      if (count === 2) bothBegan.tell();
      if (typeof ask === "object" && ask !== null && "dir" in ask) await mayLink.promise;
      else await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return { linked: true };
    });
    const syncing = requestAt(path, "sync", { dirs: [], confirm: false }, { signal: NEVER });
    const linking = requestAt(path, "link", { dir: "/a" }, { signal: NEVER });
    await bothBegan.promise;
    const closing = server.close();
    expect(await syncing).toEqual({ kind: "refused" });
    mayLink.tell();
    expect(await linking).toEqual({ kind: "answered", answer: { linked: true } });
    await closing;
  });

  it("are answered at a socket that is the owner's alone, also where a dead process left one", async () => {
    const path = join(await temporaryFolder(), "socket");
    await writeFile(path, "left behind");
    const server = await serveRequests(path, { request: async () => await Promise.reject(new Error("not asked")) });
    onTestFinished(async () => await server.close());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("that are none are refused with ERR_PROTOCOL, and a silent connection does not hold up the end", async () => {
    const { path, server } = await serving(async () => ({}));
    const odd = requestAt(path, "constructor" as "status", { dirs: [] }, { signal: NEVER });
    await expect(odd).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    const silent = connect(path);
    await new Promise((resolve) => silent.once("connect", resolve));
    const closed = new Promise((resolve) => silent.once("close", resolve));
    await server.close();
    await closed;
  });
});

describe("the socket's place", () => {
  it("is the state folder", async () => {
    const home = await openDeviceHome({ TWINFOLD_HOME: await temporaryFolder() });
    expect(await prepareSocketPath(home)).toBe(join(home.path, "socket"));
  });

  it("is a private folder, the same each time, where the state folder's path is too long for a socket", async () => {
    const home = await openDeviceHome({ TWINFOLD_HOME: join(await temporaryFolder(), "long".repeat(40)) });
    const path = await prepareSocketPath(home);
    expect(Buffer.byteLength(path)).toBeLessThan(104);
    expect((await stat(join(path, ".."))).mode & 0o777).toBe(0o700);
    expect(await prepareSocketPath(home)).toBe(path);
  });
});
