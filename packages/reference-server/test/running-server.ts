import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChunkId, encodeFrames, type Frame, nobleSha256, bytesToHex, type WorkspaceId } from "@twinfold/core";
import { createServer, type Server, type ServerOptions } from "@twinfold/reference-server";
import { createApiClient, createHttpTransport, type Session } from "@twinfold/transport-http";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse";

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "twinfold-server-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server on a free port, closed when the test ends. */
export async function startServer(options: Partial<ServerOptions> = {}): Promise<Server & { readonly dataDir: string }> {
  const dataDir = options.dataDir ?? (await temporaryFolder());
  const server = await createServer({ listen: "127.0.0.1:0", logLevel: "silent", ...options, dataDir });
  onTestFinished(() => server.close());
  return { ...server, dataDir };
}

export interface LoggedIn extends Session {
  readonly api: ReturnType<typeof createApiClient>;
  readonly transport: ReturnType<typeof createHttpTransport>;
}

export async function signUp(url: string, email = "ada@example.org"): Promise<LoggedIn> {
  return loggedIn(url, await createApiClient({ url }).signUp({ email, password: PASSWORD, deviceName: "laptop" }));
}

export function loggedIn(url: string, session: Session): LoggedIn {
  const { token } = session;
  return { ...session, api: createApiClient({ url, token }), transport: createHttpTransport({ url, token }) };
}

export async function withWorkspace(url: string): Promise<LoggedIn & { readonly workspaceId: WorkspaceId }> {
  const session = await signUp(url);
  return { ...session, workspaceId: (await session.api.createWorkspace({ name: "home" })).workspaceId };
}

export function frameOf(payload: Uint8Array): Frame {
  return { chunkId: bytesToHex(nobleSha256(payload)) as ChunkId, codec: "plain", plainBytes: payload.length, payload };
}

export function bytesOf(frames: readonly Frame[]): Buffer {
  return Buffer.concat([...encodeFrames(frames)]);
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const item of items) got.push(item);
  return got;
}
