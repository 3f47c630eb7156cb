import { type Bus, TwinfoldError } from "@twinfold/core";
import { assertBytes, assertEqual, assertRejects, assertTrue } from "./assertions.js";
import { type Clause, type ConformanceOptions, describeClauses } from "./clauses.js";
import { patternedBytes, sampleWorkspaceId, upTo } from "./samples.js";
import type { TestRunner } from "./test-runner.js";
import { turn } from "./turn.js";

const W = sampleWorkspaceId(1);
const OTHER = sampleWorkspaceId(2);
const MANY = 32;

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Publishes until `heard`: one wake-up may be lost, but not all of them. */
async function publishUntil(bus: Bus, seq: number, heard: () => boolean): Promise<void> {
  do {
    bus.publish(W, seq);
    await turn();
  } while (!heard());
}

/** A promise, and what resolves it. */
function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** What `seqs` a listener of `W` was woken with. */
function listen(bus: Bus, workspaceId = W) {
  const seqs: number[] = [];
  return { seqs, stop: bus.subscribe(workspaceId, (seq) => seqs.push(seq)) };
}

const CLAUSES = {
  "BU1 a publish wakes every listener of its workspace, and those of no other": {
    async check(bus) {
      const [first, second, other] = [listen(bus), listen(bus), listen(bus, OTHER)];
      await publishUntil(bus, 7, () => first.seqs.length > 0 && second.seqs.length > 0);
      assertEqual(new Set([...first.seqs, ...second.seqs]), new Set([7]), "seqs heard");
      assertEqual(other.seqs, [], "seqs heard of another workspace");
    },
  },
  "BU1 a seq beyond 32 bits arrives as it is": {
    async check(bus) {
      const { seqs } = listen(bus);
      await publishUntil(bus, Number.MAX_SAFE_INTEGER, () => seqs.length > 0);
      assertEqual(new Set(seqs), new Set([Number.MAX_SAFE_INTEGER]));
    },
  },
  "BU1 a subscription that was ended is not woken again, and no other ends with it": {
    async check(bus) {
      const seqs: number[] = [];
      const listener = (seq: number): void => void seqs.push(seq);
      const [stop, keep] = [bus.subscribe(W, listener), bus.subscribe(W, listener)];
      const ended = listen(bus);
      ended.stop();
      stop();
      stop();
      await publishUntil(bus, 3, () => seqs.length > 0);
      assertEqual(ended.seqs, [], "seqs heard after the end");
      keep();
      const last = listen(bus);
      seqs.length = 0;
      await publishUntil(bus, 4, () => last.seqs.length > 0);
      assertEqual(seqs, [], "seqs heard by a listener whose two subscriptions have ended");
    },
  },
  "BU2 a request gives the handler's answer, from nothing to 8 MiB": {
    async check(bus) {
      bus.serve(async (workspaceId, payload) => {
        assertEqual(workspaceId, W, "the request's workspace");
        return payload.toReversed();
      });
      for (const sizeBytes of [0, 1, 65_537, 8 * 1024 * 1024]) {
        const payload = patternedBytes(sizeBytes);
        assertBytes(await bus.request(W, payload), payload.toReversed(), `${sizeBytes} bytes`);
      }
    },
  },
  "BU2 a request rejects with the handler's error, and the next one is handled": {
    async check(bus) {
      bus.serve(async (_workspaceId, payload) => {
        if (payload.length === 0) throw new TwinfoldError("ERR_PROTOCOL", "an empty request");
        return payload;
      });
      const outcomes = await Promise.allSettled([bus.request(W, bytes(1)), bus.request(W, bytes()), bus.request(W, bytes(2))]);
      assertEqual(
        outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : "rejected")),
        [bytes(1), "rejected", bytes(2)],
      );
      await assertRejects(bus.request(W, bytes()), "ERR_PROTOCOL");
    },
  },
  "BU2 32 requests of one workspace are handled one after another, in order of arrival": {
    async check(bus) {
      const order: number[] = [];
      let underWay = 0;
      bus.serve(async (_workspaceId, payload) => {
        underWay += 1;
        assertEqual(underWay, 1, "requests under way");
        order.push(...payload);
        await turn();
        underWay -= 1;
        return payload;
      });
      const answers = await Promise.all(upTo(MANY).map((n) => bus.request(W, bytes(n))));
      assertEqual(order, upTo(MANY), "order of arrival");
      assertEqual(
        answers,
        upTo(MANY).map((n) => bytes(n)),
        "answers",
      );
    },
  },
  "BU2 the handler that serves next takes over the requests": {
    async check(bus) {
      const stop = bus.serve(async () => bytes(1));
      assertBytes(await bus.request(W, bytes()), bytes(1));
      stop();
      bus.serve(async () => bytes(2));
      stop();
      assertBytes(await bus.request(W, bytes()), bytes(2));
    },
  },
  "BU3 requests of 32 workspaces are under way at once": {
    async check(bus) {
      const all = gate();
      let underWay = 0;
      bus.serve(async (workspaceId) => {
        underWay += 1;
        if (underWay === MANY) all.open();
        await all.opened;
        return new TextEncoder().encode(workspaceId);
      });
      const answers = await Promise.all(upTo(MANY).map((n) => bus.request(sampleWorkspaceId(n), bytes())));
      assertEqual(
        answers.map((answer) => new TextDecoder().decode(answer)),
        upTo(MANY).map(sampleWorkspaceId),
      );
    },
  },
  "BU4 a listener that throws stops no other, and not who publishes": {
    async check(bus) {
      const before = listen(bus);
      let thrown = 0;
      bus.subscribe(W, () => {
        thrown += 1;
        throw new Error("a listener's own failure");
      });
      const after = listen(bus);
      await publishUntil(bus, 1, () => thrown > 0 && before.seqs.length > 0 && after.seqs.length > 0);
    },
  },
  "BU4 a handler that throws before its first await fails its own request": {
    async check(bus) {
      bus.serve((workspaceId, payload) => {
        if (workspaceId === OTHER) throw new TwinfoldError("ERR_PROTOCOL", "no such workspace");
        return Promise.resolve(payload);
      });
      const refused = assertRejects(bus.request(OTHER, bytes(1)), "ERR_PROTOCOL");
      assertBytes(await bus.request(W, bytes(2)), bytes(2));
      await refused;
    },
  },
  "BU5 after close every call is refused": {
    async check(bus) {
      const { seqs } = listen(bus);
      bus.serve(async (_workspaceId, payload) => payload);
      await bus.close();
      await bus.close();
      const calls: ReadonlyArray<() => Promise<unknown>> = [
        async () => bus.publish(W, 1),
        async () => bus.subscribe(W, () => {}),
        async () => bus.serve(async (_workspaceId, payload) => payload),
        () => bus.request(W, bytes()),
      ];
      for (const call of calls) await assertRejects(call(), "ERR_CLOSED", String(call));
      assertEqual(seqs, [], "seqs heard after close");
    },
  },
  "BU5 close lets the request under way end, and refuses those that wait": {
    async check(bus) {
      const [started, ended] = [gate(), gate()];
      bus.serve(async (_workspaceId, payload) => {
        started.open();
        await ended.opened;
        return payload;
      });
      const underWay = bus.request(W, bytes(1));
      const waiting = assertRejects(bus.request(W, bytes(2)), "ERR_CLOSED", "a request that waits");
      await started.opened;
      let closed = false;
      const closing = bus.close().then(() => {
        closed = true;
      });
      await turn();
      assertTrue(!closed, "close waits for the request under way");
      ended.open();
      assertBytes(await underWay, bytes(1));
      await waiting;
      await closing;
    },
  },
} satisfies Record<string, Clause<Bus>>;

export type BusClause = keyof typeof CLAUSES;

/** Checks every numbered guarantee of `Bus`. */
export function busConformance(runner: TestRunner, options: ConformanceOptions<Bus, BusClause>): void {
  describeClauses(runner, "Bus conformance", CLAUSES, options);
}
