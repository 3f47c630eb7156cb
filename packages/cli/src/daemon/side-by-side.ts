import { AsyncLocalStorage } from "node:async_hooks";
import { type Env, multiplexed, type Transport } from "@twinfold/core";

/** Passes that go on at once after their first look at the hub: one disk serves them all, and each may hold tens of MiB of what it sends and receives. */
const MAX_AT_WORK = 4;
/** Longest that first looks wait for each other. A pass whose folder does not answer by then looks alone, later. */
const GATHER_MS = 1_000;

/** Passes of several links, whose first looks at the hub go out as one call. */
export interface SideBySide {
  /** A transport's, joined. */
  readonly changes: Transport["changes"];
  /**
   * Starts all passes at once and gives what each comes to, in their order. They look at the hub together, and a few at a time go on from there.
   * When one fails the others still end before this rejects.
   */
  run<T>(passes: ReadonlyArray<() => Promise<T>>): Promise<readonly T[]>;
}

interface Pass {
  asked(): void;
  /** Resolves when it may go on. */
  admitted(): Promise<void>;
  ended(): void;
}

export function createSideBySide({ transport, env }: { readonly transport: Transport; readonly env: Env }): SideBySide {
  /** The pass on whose behalf a call is made. */
  const current = new AsyncLocalStorage<Pass>();
  const unasked = new Set<Pass>();
  let tellAllAsked = (): void => {};

  const gather = async (): Promise<void> => {
    if (unasked.size === 0) return;
    const over = new AbortController();
    const allAsked = new Promise<void>((resolve) => {
      tellAllAsked = resolve;
    });
    await Promise.race([allAsked, env.sleep(GATHER_MS, over.signal).catch(() => {})]);
    over.abort();
  };
  const joined = multiplexed(transport, { gather });
  const room = createRoom(MAX_AT_WORK);

  const begin = (): Pass => {
    let admission: Promise<void> | undefined;
    const pass: Pass = {
      asked() {
        if (unasked.delete(pass) && unasked.size === 0) tellAllAsked();
      },
      admitted: () => (admission ??= room.enter()),
      ended() {
        pass.asked(); // or never will
        if (admission !== undefined) room.leave();
      },
    };
    unasked.add(pass);
    return pass;
  };

  /** Nobody is there to look at the hub with, and to keep track of whose calls are whose costs a small file 30 µs (measured, Node 20). */
  const runAlone = async <T>(body: () => Promise<T>): Promise<T> => {
    await room.enter();
    return await body().finally(() => room.leave());
  };

  return {
    async changes(request, options) {
      const pass = current.getStore();
      const asking = joined.changes(request, options);
      pass?.asked();
      const answer = await asking;
      await pass?.admitted();
      return answer;
    },
    async run(passes) {
      const [alone] = passes;
      if (alone !== undefined && passes.length === 1) return [await runAlone(alone)];
      // Each is known to come before the first looks.
      const begun = passes.map((body) => ({ body, pass: begin() }));
      const running = begun.map(({ body, pass }) => current.run(pass, body).finally(() => pass.ended()));
      await Promise.allSettled(running);
      return await Promise.all(running);
    },
  };
}

/** Lets so many in at once; who comes later waits for one to leave. */
function createRoom(places: number) {
  const waiting: Array<() => void> = [];
  let free = places;
  return {
    async enter(): Promise<void> {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    leave(): void {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}
