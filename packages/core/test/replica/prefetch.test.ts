import { createCipheriv, createHash } from "node:crypto";
import {
  type AccountId,
  chunkBytes,
  chunkProfileFor,
  chunkIdOf,
  createHub,
  createLoopbackTransport,
  createMemoryBlobStore,
  createMemoryHubStore,
  createMemoryLocalTree,
  createMemoryReplicaStore,
  createReplica,
  type DeviceId,
  type DraftId,
  type Env,
  type Frame,
  type LocalTree,
  type Manifest,
  type NodeId,
  type NodeName,
  nobleSha256,
  type ReplicaId,
  type ScopeOptions,
  type SyncReport,
  type Transport,
  TwinfoldError,
} from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entriesWithin } from "../../src/manifest.js";

const MIB = 1024 * 1024;
/** Five requests of chunks. */
const SIZE_BYTES = 20 * MIB;
/** Shorter sleeps are pauses, which last a turn; longer ones end by their signal alone. */
const LONGEST_PAUSE_MS = 5_000;

/** Bytes without repetition. */
function noise(seed: string, sizeBytes: number): Uint8Array {
  const cipher = createCipheriv("aes-128-ctr", createHash("md5").update(seed).digest(), Buffer.alloc(16));
  return new Uint8Array(cipher.update(Buffer.alloc(sizeBytes)));
}

function manifestOf(bytes: Uint8Array): Manifest {
  let at = 0;
  return chunkBytes(bytes, chunkProfileFor(bytes.length)).map((lengthBytes) => {
    at += lengthBytes;
    return { chunkId: chunkIdOf(bytes.subarray(at - lengthBytes, at), nobleSha256), lengthBytes };
  });
}

function frameOf(payload: Uint8Array): Frame {
  return { chunkId: chunkIdOf(payload, nobleSha256), codec: "plain", plainBytes: payload.length, payload };
}

/** Resolves when `holds`; what it waits for needs no clock, so it comes within some turns or never. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    if (turn > 20_000) throw new Error("it does not come to that");
    await new Promise(setImmediate);
  }
}

/** Lets all that is under way, and is not held, come to its end. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
}

/** A hub, and devices whose uploads and downloads are looked at. Time stands still but for `later`. */
async function openWorld() {
  let nowMs = 1_700_000_000_000;
  let draws = 0;
  const env: Env = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    randomBytes: (length) => new Uint8Array(createHash("sha512").update(`${draws++}`).digest().subarray(0, length)),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const abort = (): void => reject(signal?.reason as Error);
        if (signal?.aborted) abort();
        else if (ms <= LONGEST_PAUSE_MS) setImmediate(resolve);
        else signal?.addEventListener("abort", abort, { once: true });
      }),
    sha256: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()),
    bootId: "boot",
  };
  const hub = createHub({ blobs: createMemoryBlobStore(), store: createMemoryHubStore(), env });
  const accountId = "a".repeat(32) as AccountId;
  const workspaceId = await hub.createWorkspace(accountId);
  const session = (n: number): Transport =>
    createLoopbackTransport(hub, { accountId, deviceId: `${n}`.repeat(32).slice(0, 32) as DeviceId, deviceName: `device ${n}` });

  async function device(n: number, { scope = {}, uploads = Number.POSITIVE_INFINITY }: { scope?: ScopeOptions; uploads?: number } = {}) {
    const tree = createMemoryLocalTree({ env });
    const store = createMemoryReplicaStore();
    const inner = session(n);
    const seen = { fetched: 0, stagings: new Set<string>() };
    let allowed = uploads;
    const waiting = new Set<() => void>();
    const wake = (): void => {
      for (const go of waiting) go();
      waiting.clear();
    };
    let lives = 0;
    const open = async () => {
      lives += 1;
      const life = lives;
      const transport: Transport = {
        ...inner,
        async upload(request, options) {
          while (allowed === 0 && life === lives) await new Promise<void>((resolve) => waiting.add(resolve));
          if (life !== lives) throw new TwinfoldError("ERR_CLOSED", "the process was killed");
          allowed -= 1;
          return await inner.upload(request, options);
        },
        async *download(request, options) {
          for await (const frame of inner.download(request, options)) {
            seen.fetched += 1;
            yield frame;
          }
        },
      };
      const looked: LocalTree = {
        ...tree,
        async stage(key) {
          const staging = await tree.stage(key);
          seen.stagings.add(key);
          const gone = <T>(outcome: T): T => {
            seen.stagings.delete(key);
            return outcome;
          };
          return Object.defineProperty(
            { ...staging, close: () => staging.close().then(gone), discard: () => staging.discard().then(gone) },
            "sizeBytes",
            { get: () => staging.sizeBytes },
          );
        },
      };
      return await createReplica({ workspaceId, tree: looked, store, transport, env, deviceName: `device ${n}`, draftFromBytes: MIB, ...scope });
    };
    let replica = await open();
    const ending = new AbortController();
    let following: Promise<void> | undefined;
    const reports: SyncReport[] = [];
    return {
      tree,
      seen,
      sync: () => replica.sync(),
      allow(more: number) {
        allowed += more;
        wake();
      },
      /** Another process goes on with what is durable. */
      async restart() {
        replica = await open();
        wake();
      },
      follow() {
        replica.on("sync:finished", ({ report }) => reports.push(report));
        following = replica.follow({ signal: ending.signal });
      },
      async stop() {
        ending.abort(new Error("enough"));
        await following;
      },
      count: (what: "chunksPrefetched" | "chunksDownloaded" | "chunksReused") => reports.reduce((sum, report) => sum + report[what], 0),
      bytes: (path: string) => {
        const entry = tree.files().get(path);
        return entry?.kind === "file" ? entry.bytes : undefined;
      },
    };
  }

  return {
    hub,
    workspaceId,
    session,
    device,
    later: (ms: number) => {
      nowMs += ms;
    },
  };
}

function sha256(bytes: Uint8Array | undefined): string | undefined {
  return bytes && createHash("sha256").update(bytes).digest("hex");
}

describe("a large file that is still being sent", () => {
  it("is fetched ahead by a device that follows, which sees nothing of it before the commit, and no chunk twice", async () => {
    const { device, hub } = await openWorld();
    const [laptop, phone] = [await device(1, { uploads: 4 }), await device(2)];
    const bytes = noise("large", SIZE_BYTES);
    const chunks = manifestOf(bytes).length;
    phone.follow();
    laptop.tree.write("large.bin", bytes);
    const sending = laptop.sync();
    await until(() => phone.seen.fetched > chunks / 2);
    expect(phone.tree.files().size).toBe(0);
    expect(hub.counters.commits).toBe(0);
    expect(hub.counters.draftChunksTold).toBeGreaterThanOrEqual(phone.seen.fetched);

    laptop.allow(10);
    expect(await sending).toMatchObject({ inSync: true, filesUploaded: 1 });
    await until(() => phone.bytes("large.bin") !== undefined && phone.count("chunksPrefetched") > 0);
    await phone.stop();
    expect(sha256(phone.bytes("large.bin"))).toBe(sha256(bytes));
    expect(phone.count("chunksPrefetched")).toBeGreaterThan(chunks / 2);
    expect(phone.count("chunksPrefetched") + phone.count("chunksDownloaded")).toBe(chunks);
    expect(phone.seen.fetched).toBe(chunks);
    expect(laptop.seen.fetched).toBe(0);
  });

  it("does not come of an uploader that dies, and goes on where it was when that goes on", async () => {
    const { device, hub } = await openWorld();
    const [laptop, phone] = [await device(1, { uploads: 3 }), await device(2)];
    const bytes = noise("large", SIZE_BYTES);
    const chunks = manifestOf(bytes).length;
    phone.follow();
    laptop.tree.write("large.bin", bytes);
    const sending = laptop.sync();
    await until(() => phone.seen.fetched > chunks / 3);
    await laptop.restart();
    await expect(sending).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(phone.tree.files().size).toBe(0);

    const { chunksStored } = hub.counters;
    laptop.allow(10);
    expect(await laptop.sync()).toMatchObject({ inSync: true, chunksUploaded: chunks - chunksStored });
    await until(() => phone.bytes("large.bin") !== undefined);
    await phone.stop();
    expect(sha256(phone.bytes("large.bin"))).toBe(sha256(bytes));
    expect(phone.seen.fetched).toBe(chunks);
  });

  it("is gone on with from its staging by a device that was started again", async () => {
    const { device } = await openWorld();
    const [laptop, phone] = [await device(1, { uploads: 3 }), await device(2)];
    const bytes = noise("large", SIZE_BYTES);
    const chunks = manifestOf(bytes).length;
    phone.follow();
    laptop.tree.write("large.bin", bytes);
    const sending = laptop.sync();
    await until(() => phone.seen.fetched > chunks / 3);
    await phone.stop();
    await phone.restart();
    laptop.allow(10);
    await sending;
    await phone.sync();
    expect(sha256(phone.bytes("large.bin"))).toBe(sha256(bytes));
    // What was under way when it stopped is fetched again.
    expect(phone.seen.fetched).toBeLessThan(chunks * 1.3);
  });

  it("that changes meanwhile is the new one in the end, of which the common beginning is not fetched twice", async () => {
    const { device } = await openWorld();
    const [laptop, phone] = [await device(1, { uploads: 1 }), await device(2)];
    const bytes = noise("large", SIZE_BYTES);
    const changed = bytes.slice();
    changed.set(noise("other", SIZE_BYTES - 6 * MIB), 6 * MIB);
    phone.follow();
    laptop.tree.write("large.bin", bytes);
    const sending = laptop.sync();
    await until(() => phone.seen.fetched > 0);
    await rest();
    laptop.tree.write("large.bin", changed);
    laptop.allow(20);
    expect(await sending).toMatchObject({ inSync: true, filesUploaded: 1 });
    await until(() => sha256(phone.bytes("large.bin")) === sha256(changed));
    await phone.stop();
    const [before, after] = [manifestOf(bytes), manifestOf(changed)];
    const common = before.findIndex(({ chunkId }, at) => chunkId !== after[at]?.chunkId);
    expect(common).toBeGreaterThan(50);
    expect(phone.seen.fetched).toBeLessThanOrEqual(before.length + after.length - common);
  });

  it("is made of what is here as far as that goes, also when it has grown past 128 MiB and has other chunks", async () => {
    const { device } = await openWorld();
    const [laptop, phone] = [await device(1), await device(2)];
    const before = noise("large", SIZE_BYTES);
    const after = new Uint8Array(Buffer.concat([before, noise("more", 110 * MIB)]));
    laptop.tree.write("large.bin", before);
    await laptop.sync();
    await phone.sync();
    phone.seen.fetched = 0;
    phone.follow();
    laptop.tree.write("large.bin", after);
    await laptop.sync();
    await until(() => phone.bytes("large.bin")?.length === after.length);
    await phone.stop();
    expect(sha256(phone.bytes("large.bin"))).toBe(sha256(after));
    const chunks = manifestOf(after);
    const here = entriesWithin(chunks, SIZE_BYTES).length;
    expect(here).toBeGreaterThan(50);
    expect(phone.seen.fetched).toBe(chunks.length - here);
    expect(phone.count("chunksPrefetched")).toBeGreaterThan(0);
  });

  it.each<[string, ScopeOptions]>([
    ["another part of the folder alone", { only: ["elsewhere"] }],
    ["files over a size on demand", { onDemand: { upToBytes: MIB } }],
  ])("is not fetched ahead by a device that holds %s", async (_what, scope) => {
    const { device, hub } = await openWorld();
    const [laptop, phone] = [await device(1, { uploads: 4 }), await device(2, { scope })];
    phone.follow();
    laptop.tree.write("large.bin", noise("large", SIZE_BYTES));
    const sending = laptop.sync();
    await until(() => hub.counters.draftChunksTold > 0);
    laptop.allow(10);
    await sending;
    await phone.stop();
    expect(phone.seen.fetched).toBe(0);
    expect(phone.seen.stagings).toEqual(new Set());
  });
});

describe("what is fetched ahead", () => {
  const other = "0".repeat(31);
  /** Announces a draft as some other device would. */
  async function announcer() {
    const world = await openWorld();
    const session = world.session(3);
    return {
      ...world,
      announce: async (n: number, frames: readonly Frame[], firstIndex = 0) =>
        await session.draft({
          workspaceId: world.workspaceId,
          replicaId: `${other}${n}` as ReplicaId,
          draftId: `${other}${n}` as DraftId,
          firstIndex,
          runs: [{ kind: "entries", entries: frames.slice(firstIndex).map(({ chunkId, plainBytes }) => ({ chunkId, lengthBytes: plainBytes })) }],
          about: {
            nodeId: `${"d".repeat(31)}${n}` as NodeId,
            place: { parentId: world.workspaceId as string as NodeId, name: `${n}` as NodeName },
            sizeBytes: 10 * MIB,
          },
        }),
      upload: async (frames: readonly Frame[]) => await session.upload({ workspaceId: world.workspaceId, frames }),
    };
  }

  it("is two files at the most; one that stands still gives way after five minutes, and goes after an hour", async () => {
    const { device, announce, upload, later, hub } = await announcer();
    const frames = ["a", "b", "c"].map((seed) => frameOf(noise(seed, 1_000)));
    await upload(frames);
    const phone = await device(2);
    phone.follow();
    const staged = (...numbers: number[]) => new Set(numbers.map((n) => `${"d".repeat(31)}${n}`));
    for (const n of [1, 2, 3]) {
      await announce(n, frames.slice(0, 1));
      await until(() => hub.counters.draftChunksTold === n);
      await rest();
    }
    expect(phone.seen.fetched).toBe(2);
    expect(phone.seen.stagings).toEqual(staged(1, 2));
    later(5 * 60_000);
    await announce(2, frames.slice(0, 2), 1);
    await until(() => phone.seen.fetched === 3);
    await announce(3, frames.slice(0, 2), 1);
    await until(() => phone.seen.fetched === 5);
    expect(phone.seen.stagings).toEqual(staged(2, 3));
    later(60 * 60_000);
    phone.tree.write("a hint", "of a pass");
    await until(() => phone.seen.stagings.size === 0);
    await phone.stop();
  });

  it("never makes a file of other bytes than those that were committed, whatever was announced", async () => {
    const pieces = fc.array(fc.constantFrom("right", "other", "unknown"), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat(3), async (announced, grownLater) => {
        const { device, session, workspaceId, hub } = await openWorld();
        const bytes = noise("right", 700_000);
        const right = manifestOf(bytes);
        const foreign = ["x", "y"].map((seed) => frameOf(noise(seed, 1_000)));
        const [laptop, phone] = [await device(1), await device(2)];
        await session(3).upload({ workspaceId, frames: foreign.slice(0, 1) });
        laptop.tree.write("file", "small");
        await laptop.sync();
        phone.follow();
        await until(() => phone.bytes("file") !== undefined);
        const { heads } = await session(1).heads({ workspaceId, afterSeq: 0 });
        const [head] = heads.map((row) => row.head);
        const entries = announced.map((what, at) => {
          if (what === "right") return right[at % right.length] as Manifest[number];
          return { chunkId: (foreign[what === "other" ? 0 : 1] as Frame).chunkId, lengthBytes: 1_000 };
        });
        for (const end of new Set([Math.max(1, entries.length - grownLater), entries.length])) {
          const held = end === entries.length ? Math.max(1, entries.length - grownLater) % entries.length : 0;
          await session(3).draft({
            workspaceId,
            replicaId: `${other}3` as ReplicaId,
            draftId: `${other}3` as DraftId,
            firstIndex: held,
            runs: [{ kind: "entries", entries: entries.slice(held, end) }],
            about: { nodeId: head?.nodeId as NodeId, place: head?.place as { parentId: NodeId; name: NodeName }, sizeBytes: bytes.length },
          });
        }
        await until(() => hub.counters.draftChunksTold > 0 && phone.seen.stagings.size > 0);
        laptop.tree.write("file", bytes);
        await laptop.sync();
        await until(() => sha256(phone.bytes("file")) !== sha256(new TextEncoder().encode("small")));
        await phone.stop();
        expect(sha256(phone.bytes("file"))).toBe(sha256(bytes));
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});
