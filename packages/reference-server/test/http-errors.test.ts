import { connect } from "node:net";
import { createHttpTransport, ServerError } from "@twinfold/transport-http";
import { describe, expect, it } from "vitest";
import { PASSWORD, signUp, startServer, withWorkspace } from "./running-server.js";

const JSON_TYPE = { "content-type": "application/json" };
const BINARY_TYPE = { "content-type": "application/vnd.twinfold" };

async function problemOf(url: string, init?: RequestInit) {
  const response = await fetch(url, init);
  const text = await response.text();
  expect(response.headers.get("content-type"), text).toBe("application/problem+json");
  return { ...(JSON.parse(text) as { status: number; code: string; detail: string }), httpStatus: response.status };
}

/** What the server says to bytes that fetch would not send. */
async function rawAnswer(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return await new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), hostname, () => socket.write(request));
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
      if (answer.includes("}")) socket.destroy();
    });
    socket.on("close", () => resolve(answer)).on("error", reject);
  });
}

describe("every refusal is a problem document with a stable code", () => {
  it.each([
    ["an unknown address", "/v1/nothing", {}, 404, "ERR_NOT_FOUND"],
    ["a method that an address does not have", "/v1/me", { method: "PUT" }, 404, "ERR_NOT_FOUND"],
    ["an address that cannot be decoded", "/v1/devices/%ff", { method: "DELETE" }, 400, "ERR_INVALID_ARGUMENT"],
    ["malformed JSON", "/v1/sessions", { method: "POST", headers: JSON_TYPE, body: "{" }, 400, "ERR_INVALID_ARGUMENT"],
    ["JSON that poisons prototypes", "/v1/sessions", { method: "POST", headers: JSON_TYPE, body: '{"__proto__":{}}' }, 400, "ERR_INVALID_ARGUMENT"],
    ["no body", "/v1/sessions", { method: "POST", headers: JSON_TYPE }, 400, "ERR_INVALID_ARGUMENT"],
    ["another content type", "/v1/sessions", { method: "POST", headers: { "content-type": "text/plain" }, body: "x" }, 415, "ERR_INVALID_ARGUMENT"],
    ["a body that is too large", "/v1/sessions", { method: "POST", headers: JSON_TYPE, body: `"${"x".repeat(70_000)}"` }, 413, "ERR_TOO_LARGE"],
    [
      "a short password",
      "/v1/accounts",
      { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ email: "a@b.c", password: "1234567", deviceName: "x" }) },
      400,
      "ERR_INVALID_ARGUMENT",
    ],
    [
      "a field that is not known",
      "/v1/accounts",
      { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ email: "a@b.c", password: PASSWORD, deviceName: "x", plan: "premium" }) },
      400,
      "ERR_INVALID_ARGUMENT",
    ],
    ["no token", "/v1/me", {}, 401, "ERR_UNAUTHENTICATED"],
    ["no token for the engine", "/v1/sync/hello", { method: "POST", headers: BINARY_TYPE }, 401, "ERR_UNAUTHENTICATED"],
    ["a token that is none", "/v1/me", { headers: { authorization: `Bearer ${"A".repeat(43)}` } }, 401, "ERR_UNAUTHENTICATED"],
  ])("%s", async (_name, path, init, status, code) => {
    const { url } = await startServer();
    expect(await problemOf(url + path, init)).toMatchObject({ httpStatus: status, status, code });
  });

  it.each([
    [
      "a message of another content type",
      "/v1/sync/missing",
      { headers: { "content-type": "application/json" }, body: "{}" },
      415,
      "ERR_INVALID_ARGUMENT",
    ],
    ["a message that is none", "/v1/sync/missing", { headers: BINARY_TYPE, body: "what" }, 400, "ERR_PROTOCOL"],
    ["an upload to no workspace", "/v1/sync/upload", { headers: BINARY_TYPE, body: "" }, 400, "ERR_INVALID_ARGUMENT"],
    ["an upload to a workspace of others", `/v1/sync/upload?workspace=${"0".repeat(32)}`, { headers: BINARY_TYPE, body: "" }, 404, "ERR_NOT_FOUND"],
    ["a message that is too large", "/v1/sync/commit", { headers: BINARY_TYPE, body: new Uint8Array(16 * 1024 * 1024 + 1) }, 413, "ERR_TOO_LARGE"],
  ])("%s", async (_name, path, init, status, code) => {
    const { url } = await startServer();
    const { token } = await signUp(url);
    const headers = { ...init.headers, authorization: `Bearer ${token}` };
    expect(await problemOf(url + path, { method: "POST", ...init, headers })).toMatchObject({ httpStatus: status, code });
  });

  it("never takes a token from the address", async () => {
    const { url } = await startServer();
    const { token } = await signUp(url);
    expect(await problemOf(`${url}/v1/me?token=${token}&access_token=${token}`)).toMatchObject({ code: "ERR_UNAUTHENTICATED" });
  });

  it("answers what is not HTTP, and headers without end", async () => {
    const { url } = await startServer();
    expect(await rawAnswer(url, "hello\r\n\r\n")).toMatch(/^HTTP\/1.1 400 [\s\S]*application\/problem\+json[\s\S]*"code":"ERR_INVALID_ARGUMENT"/);
    expect(await rawAnswer(url, `GET / HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 [\s\S]*"status":431/);
  });

  it("answers an upload that is malformed before its end has come", async () => {
    const { url } = await startServer();
    const { token, workspaceId } = await withWorkspace(url);
    const head = `POST /v1/sync/upload?workspace=${workspaceId} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n`;
    const answer = await rawAnswer(url, `${head}content-type: application/vnd.twinfold\r\ncontent-length: 1000\r\n\r\n${"x".repeat(100)}`);
    expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*"code":"ERR_PROTOCOL"/);
  });

  it("does not tell a password that it refuses", async () => {
    const { url } = await startServer();
    const body = JSON.stringify({ email: "a@b.c", password: "s3cret!", deviceName: "x" });
    expect((await problemOf(`${url}/v1/accounts`, { method: "POST", headers: JSON_TYPE, body })).detail).not.toContain("s3cret!");
  });

  it("gives each problem to the transport as an error of the same code", async () => {
    const { url } = await startServer();
    const { transport } = await withWorkspace(url);
    const stranger = createHttpTransport({ url, token: "A".repeat(43) });
    await expect(stranger.hello()).rejects.toMatchObject({ code: "ERR_UNAUTHENTICATED" });
    const missing = transport.missing({ workspaceId: "0".repeat(32) as never, chunkIds: [] });
    await expect(missing).rejects.toBeInstanceOf(ServerError);
    await expect(missing).rejects.toMatchObject({ code: "ERR_NOT_FOUND", problem: { status: 404 } });
  });
});
