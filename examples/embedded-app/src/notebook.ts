import { createNodeEnv } from "@twinfold/adapter-fs";
import {
  type ConflictResolver,
  createMemoryLocalTree,
  createMemoryReplicaStore,
  createReplica,
  type MemoryLocalTree,
  type Transport,
  type WorkspaceId,
} from "@twinfold/core";

export interface Notebook {
  /** What the user sees and edits. */
  readonly pages: MemoryLocalTree;
  /** Lines for the app's status bar, in order. */
  readonly log: readonly string[];
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Pages are lists: lines that either side has added are all kept, and no conflict copy is made. Anything else is left to the engine. */
export const keepAllLines: ConflictResolver = async ({ path, mine, theirs }) => {
  if (!path.endsWith(".list")) return undefined;
  const texts = [await theirs(), await mine()].map((bytes) => new TextDecoder().decode(bytes));
  const lines = new Set(texts.flatMap((text) => text.split("\n")).filter((line) => line !== ""));
  return new TextEncoder().encode([...lines].map((line) => `${line}\n`).join(""));
};

/** A note-taking app's whole sync: the engine, its events in the app's words, and the app's own way with conflicts. */
export async function openNotebook(workspaceId: WorkspaceId, transport: Transport, deviceName: string): Promise<Notebook> {
  const env = createNodeEnv();
  const pages = createMemoryLocalTree({ env });
  const log: string[] = [];
  const replica = await createReplica({
    workspaceId,
    tree: pages,
    store: createMemoryReplicaStore(),
    transport,
    env,
    deviceName,
    resolve: keepAllLines,
  });
  replica.on("file:uploaded", ({ path }) => log.push(`saved ${path}`));
  replica.on("file:downloaded", ({ path }) => log.push(`received ${path}`));
  replica.on("conflict:detected", ({ path, copy }) => log.push(copy === undefined ? `joined both edits of ${path}` : `kept both edits of ${path}`));
  return {
    pages,
    log,
    async sync() {
      await replica.sync();
    },
    close: () => replica.close(),
  };
}
