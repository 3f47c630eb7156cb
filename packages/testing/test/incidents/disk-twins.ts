import { createHash } from "node:crypto";
import { createFsLocalTree, initializeRoot } from "@twinfold/adapter-fs";
import {
  type AccountId,
  createHub,
  createLoopbackTransport,
  createMemoryBlobStore,
  createMemoryHubStore,
  createMemoryReplicaStore,
  createReplica,
  createReplicaMemory,
  type DeviceId,
  type Env,
  type Replica,
  type ReplicaStore,
  type Transport,
} from "@twinfold/core";
import type { FileSystemCall } from "../../src/hooked-file-system.js";
import { createRandom } from "../../src/simulator/random.js";
import { createSimDisk, type SimDisk, type SimDiskOptions } from "../../src/simulator/sim-disk.js";

export const ROOT = "/home/folder";

/** A device with a disk of its own, and the engine that ships on it. */
export interface DiskDevice {
  readonly disk: SimDisk;
  /** How far the clock by which its disk tells times is ahead of everybody else's. */
  readonly clock: { aheadMs: number };
  /** Of the process that runs now. */
  readonly replica: Replica;
  sync(options?: Parameters<Replica["sync"]>[0]): ReturnType<Replica["sync"]>;
  /** Awaited before each call of the disk, until it is set anew. */
  before: (call: FileSystemCall) => void;
  /** How often each method of the transport was called. */
  readonly calls: Map<keyof Transport, number>;
  /** The process ends where it is, and what it asks for after that is not done. */
  kill(): void;
  /** Another process is there, in the place of the one that runs or ran. */
  restart(): Promise<void>;
  /** The power goes, and comes again: what was not durable is as the disk likes. */
  losePower(): Promise<void>;
  write(path: string, text: string): void;
  read(path: string): string;
  /** Text of every file, by path. */
  texts(): Record<string, string>;
}

export interface DiskTwins {
  readonly env: Env;
  readonly devices: readonly DiskDevice[];
  /** Syncs all in turn, three times: enough for everything that these tests do. */
  settle(): Promise<void>;
}

/** Devices whose folders are on simulated disks, through adapter-fs, and a hub in memory. Time is a counter that sleeps move on. */
export async function createDiskTwins(
  names: readonly string[],
  options: Partial<SimDiskOptions> & { readonly seed?: number } = {},
): Promise<DiskTwins> {
  const { seed = 1, ...diskOptions } = options;
  const random = createRandom(seed);
  const ids = random.stream("ids");
  let ms = Date.UTC(2026, 0, 1);
  const env: Env = {
    nowMs: () => ms,
    monotonicMs: () => ms,
    randomBytes: (length) => ids.bytes(length),
    sleep: async (forMs, signal) => {
      signal?.throwIfAborted();
      ms += forMs;
    },
    sha256: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()),
    bootId: "boot",
  };
  const hub = createHub({ blobs: createMemoryBlobStore(), store: createMemoryHubStore(), env });
  const accountId = "a".repeat(32) as AccountId;
  const workspaceId = await hub.createWorkspace(accountId);

  async function openDevice(deviceName: string, index: number): Promise<DiskDevice> {
    const clock = { aheadMs: 0 };
    const disk = createSimDisk({
      nowMs: () => env.nowMs() + clock.aheadMs,
      random: random.stream(`disk of ${deviceName}`),
      ...diskOptions,
      before: (call) => device.before(call),
    });
    const memory = createReplicaMemory();
    const calls = new Map<keyof Transport, number>();
    const deviceId = `${index + 1}`.repeat(32) as DeviceId;
    let boots = 1;
    let end = (): void => {};
    let replica: Replica;
    const device: DiskDevice = {
      disk,
      clock,
      calls,
      get replica() {
        return replica;
      },
      sync: (given) => replica.sync(given),
      before: () => {},
      kill() {
        end();
        disk.closeAllFiles();
      },
      async restart() {
        device.kill();
        await start();
      },
      async losePower() {
        device.kill();
        disk.losePower();
        boots += 1;
        await start();
      },
      write: (path, text) => disk.people.write(`${ROOT}/${path}`, text),
      read: (path) => new TextDecoder().decode(disk.people.read(`${ROOT}/${path}`)),
      texts() {
        const files = [...disk.files(ROOT)].flatMap(([path, entry]) =>
          entry.kind === "file" && !path.startsWith(".twinfold/") ? [[path, new TextDecoder().decode(entry.bytes)] as const] : [],
        );
        return Object.fromEntries(files);
      },
    };

    async function start(): Promise<void> {
      let isOver = false;
      end = () => {
        isOver = true;
      };
      const guarded = <Part extends object>(part: Part, called: (name: keyof Part) => void = () => {}): Part =>
        new Proxy(part, {
          get(_target, name) {
            const method = Reflect.get(part, name) as unknown;
            if (typeof method !== "function") return method;
            return (...args: unknown[]) => {
              if (isOver) throw new Error("this process has ended");
              called(name as keyof Part);
              return Reflect.apply(method, part, args) as unknown;
            };
          },
        });
      memory.inUse = false; // the lock of a process that ended is gone with it
      const store: ReplicaStore = guarded(createMemoryReplicaStore(memory));
      const fileSystem = guarded(disk.fileSystem);
      const tree = createFsLocalTree({ root: ROOT, rootId, fileSystem, env, deviceName, watch: disk.watch });
      const transport = guarded(createLoopbackTransport(hub, { accountId, deviceId, deviceName }), (name) =>
        calls.set(name, (calls.get(name) ?? 0) + 1),
      );
      replica = await createReplica({ workspaceId, tree, store, transport, env: { ...env, bootId: `${boots}` }, deviceName });
    }

    disk.people.mkdir(ROOT);
    const { rootId } = await initializeRoot({ root: ROOT, workspaceId, fileSystem: disk.fileSystem, env });
    await start();
    return device;
  }

  const devices = await Promise.all(names.map(openDevice));
  return {
    env,
    devices,
    async settle() {
      for (let round = 0; round < 3; round++) for (const device of devices) await device.sync();
    },
  };
}
