import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { decodeManifest, type Manifest } from "@twinfold/core";

export interface CutRequest {
  readonly id: number;
  readonly descriptor: number;
  readonly sizeBytes: number;
  /** 1 when nobody waits for the answer. */
  readonly stopped: Int32Array;
}

export interface CutAnswer {
  readonly id: number;
  /** In canonical form. */
  readonly manifest: Uint8Array<ArrayBuffer> | undefined;
}

/** Threads that cut files, each one file at a time. They are started when they are needed, and keep no process alive that waits for none of them. */
export interface CuttingPool {
  /**
   * The chunks of an open file, which its descriptor names in every thread; `undefined` when no thread could tell, and it has to be cut here.
   *
   * Rejects with the signal's own reason at once; a thread that has begun with the file ends at its next read.
   */
  cut(descriptor: number, sizeBytes: number, signal?: AbortSignal): Promise<Manifest | undefined>;
  /** What is being cut then is answered with `undefined`. It can be used again. */
  close(): Promise<void>;
}

interface Thread {
  readonly worker: Worker;
  /** Whom to answer, by the request's id. */
  readonly waiting: Map<number, (manifest: Uint8Array | undefined) => void>;
  hasAnswered: boolean;
}

export interface CuttingPoolOptions {
  /** @default one for each core that this process may use */
  readonly threads?: number | undefined;
  /** Path of the program that they run. @default the package's own */
  readonly program?: string | undefined;
}

export function createCuttingPool({ threads: maxThreads = availableParallelism(), program }: CuttingPoolOptions = {}): CuttingPool {
  const threads = new Set<Thread>();
  let requests = 0;
  let canStart = true;

  function start(): Thread | undefined {
    let worker: Worker;
    try {
      worker = new Worker(program ?? createRequire(import.meta.url).resolve("#cut-worker"));
    } catch {
      canStart = false; // the program was bundled away, or threads are not allowed
      return undefined;
    }
    const thread: Thread = { worker, waiting: new Map(), hasAnswered: false };
    const answer = (id: number, manifest: Uint8Array | undefined): void => {
      thread.waiting.get(id)?.(manifest);
      thread.waiting.delete(id);
      if (thread.waiting.size === 0) worker.unref();
    };
    worker.on("message", ({ id, manifest }: CutAnswer) => {
      thread.hasAnswered = true;
      answer(id, manifest);
    });
    worker.on("error", () => {}); // its exit follows
    worker.on("exit", () => {
      if (threads.delete(thread) && !thread.hasAnswered) canStart = false;
      for (const id of [...thread.waiting.keys()]) answer(id, undefined);
    });
    threads.add(thread);
    return thread;
  }

  /** The one with the least to do; a new one when all have something to do and there may be more. */
  function choose(): Thread | undefined {
    const [idlest] = [...threads].sort((a, b) => a.waiting.size - b.waiting.size);
    const isFree = idlest !== undefined && (idlest.waiting.size === 0 || threads.size >= maxThreads);
    return isFree || !canStart ? idlest : start();
  }

  return {
    async cut(descriptor, sizeBytes, signal) {
      signal?.throwIfAborted();
      const thread = choose();
      if (thread === undefined) return undefined;
      const { worker, waiting } = thread;
      const stopped = new Int32Array(new SharedArrayBuffer(4));
      const id = requests++;
      const manifest = await new Promise<Uint8Array | undefined>((resolve, reject) => {
        const stop = (): void => {
          Atomics.store(stopped, 0, 1);
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", stop, { once: true });
        waiting.set(id, (answer) => {
          signal?.removeEventListener("abort", stop);
          resolve(answer);
        });
        worker.ref();
        worker.postMessage({ id, descriptor, sizeBytes, stopped } satisfies CutRequest);
      });
      return manifest && decodeManifest(manifest);
    },
    async close() {
      const ending = [...threads];
      threads.clear();
      await Promise.all(ending.map(({ worker }) => worker.terminate()));
    },
  };
}
