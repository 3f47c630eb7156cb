import { isTwinfoldError, TwinfoldError, type TwinfoldErrorCode } from "../errors.js";
import type { OperationOptions } from "../operation-options.js";
import { MAX_WORKSPACES } from "./messages.js";
import type { ChangesAnswer, ChangesQuery, Transport, WaitQuery } from "./transport.js";

export interface MultiplexedOptions {
  /**
   * Awaited before joined `changes` go out: calls that are made until it resolves go with them.
   *
   * @default one microtask: the calls of one synchronous turn
   */
  readonly gather?: (() => Promise<void>) | undefined;
}

type ChangesRequest = Parameters<Transport["changes"]>[0];
type ChangesAnswers = Awaited<ReturnType<Transport["changes"]>>;
type WaitRequest = Parameters<Transport["wait"]>[0];

/** One caller's part in a joined call. */
interface Part<Request, Answer> {
  readonly request: Request;
  readonly answered: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
}

/** Failures that may be one caller's alone, so that the others are not to suffer from them. */
const OF_ONE_REQUEST: ReadonlySet<TwinfoldErrorCode> = new Set([
  "ERR_NOT_FOUND",
  "ERR_INVALID_ARGUMENT",
  "ERR_PERMISSION_DENIED",
  "ERR_PROTOCOL",
  "ERR_TOO_LARGE",
]);

/**
 * One Transport for all replicas of a process: their `wait`s become one long poll, and `changes` that are asked for together one request.
 * All else passes through.
 *
 * A joined `wait` resolves for all when it resolves for one (TR5 allows it), so that the `changes` that follow are joined too. A joined call
 * that fails for a reason that may be one caller's own is asked again for each alone. An aborted caller leaves; the others stay.
 */
export function multiplexed(transport: Transport, { gather = () => Promise.resolve() }: MultiplexedOptions = {}): Transport {
  const changes = createJoinedChanges(transport, gather);
  const wait = createJoinedWait(transport);
  return {
    hello: (options) => transport.hello(options),
    changes: (request, options) => partOf(changes, request, options),
    outcomes: (request, options) => transport.outcomes(request, options),
    wait: (request, options) => partOf(wait, request, options),
    heads: (request, options) => transport.heads(request, options),
    manifests: (request, options) => transport.manifests(request, options),
    versions: (request, options) => transport.versions(request, options),
    missing: (request, options) => transport.missing(request, options),
    draft: (request, options) => transport.draft(request, options),
    upload: (request, options) => transport.upload(request, options),
    download: (request, options) => transport.download(request, options),
    commit: (request, options) => transport.commit(request, options),
  };
}

interface Joined<Request, Answer> {
  /** Gives the function with which the caller leaves. */
  join(part: Part<Request, Answer>): () => void;
}

function partOf<Request, Answer>(joined: Joined<Request, Answer>, request: Request, { signal }: OperationOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const abort = (): void => {
      leave();
      reject(signal?.reason);
    };
    const done = (): void => signal?.removeEventListener("abort", abort);
    signal?.addEventListener("abort", abort, { once: true });
    const leave = joined.join({
      request,
      answered(answer) {
        done();
        resolve(answer);
      },
      failed(error) {
        done();
        reject(error);
      },
    });
  });
}

function createJoinedChanges(transport: Transport, gather: () => Promise<void>): Joined<ChangesRequest, ChangesAnswers> {
  type ChangesPart = Part<ChangesRequest, ChangesAnswers>;
  let gathering = new Set<ChangesPart>();

  async function send(parts: Set<ChangesPart>, abort: AbortController): Promise<void> {
    const asked = [...parts];
    const helloHash = asked[0]?.request.helloHash;
    const workspaces: ChangesQuery[] = asked.flatMap((part) => part.request.workspaces);
    try {
      const answer = await transport.changes({ ...(helloHash === undefined ? {} : { helloHash }), workspaces }, { signal: abort.signal });
      if (answer.workspaces.length !== workspaces.length) {
        throw new TwinfoldError("ERR_PROTOCOL", `the hub answered for ${answer.workspaces.length} of ${workspaces.length} workspaces`);
      }
      let at = 0;
      for (const part of asked) {
        const own: readonly ChangesAnswer[] = answer.workspaces.slice(at, at + part.request.workspaces.length);
        at += own.length;
        if (parts.has(part)) part.answered({ ...(answer.hello === undefined ? {} : { hello: answer.hello }), workspaces: own });
      }
    } catch (error) {
      failAll(parts, error, (part) => start(new Set([part])));
    }
  }

  const aborts = new Map<Set<ChangesPart>, AbortController>();
  const groups = new Map<ChangesPart, Set<ChangesPart>>();

  function start(parts: Set<ChangesPart>): void {
    const abort = new AbortController();
    aborts.set(parts, abort);
    for (const part of parts) groups.set(part, parts);
    void send(parts, abort).finally(() => {
      aborts.delete(parts);
      for (const part of parts) if (groups.get(part) === parts) groups.delete(part);
    });
  }

  async function flush(): Promise<void> {
    await gather();
    const parts = gathering;
    gathering = new Set();
    for (const group of groupsOf(parts)) start(group);
  }

  return {
    join(part) {
      if (gathering.size === 0) void flush();
      gathering.add(part);
      return () => {
        gathering.delete(part);
        const group = groups.get(part);
        group?.delete(part);
        if (group?.size === 0) aborts.get(group)?.abort(new TwinfoldError("ERR_CLOSED", "nobody asks any more"));
      };
    },
  };
}

/** Parts with equal hello hashes together, as many as one request may hold. */
function groupsOf(parts: Iterable<Part<ChangesRequest, ChangesAnswers>>): Array<Set<Part<ChangesRequest, ChangesAnswers>>> {
  const groups: Array<{ readonly helloHash: string | undefined; workspaces: number; readonly parts: Set<Part<ChangesRequest, ChangesAnswers>> }> = [];
  for (const part of parts) {
    const { helloHash, workspaces } = part.request;
    const fitting = groups.find((group) => group.helloHash === helloHash && group.workspaces + workspaces.length <= MAX_WORKSPACES);
    if (fitting === undefined) groups.push({ helloHash, workspaces: workspaces.length, parts: new Set([part]) });
    else {
      fitting.workspaces += workspaces.length;
      fitting.parts.add(part);
    }
  }
  return groups.map((group) => group.parts);
}
