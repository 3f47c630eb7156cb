import { isTwinfoldError, TwinfoldError, type TwinfoldErrorCode } from "../errors.js";
import type { WorkspaceId } from "../ids.js";
import type { OperationOptions } from "../operation-options.js";
import { MAX_WORKSPACES } from "./messages.js";
import type { Transport } from "./transport.js";

export interface MultiplexedOptions {
  /**
   * Awaited before joined calls go out: those made until it resolves go with them.
   *
   * @default one microtask: the calls of one synchronous turn
   */
  readonly gather?: (() => Promise<void>) | undefined;
}

/**
 * One Transport for all replicas of a process: their `wait`s become one long poll, and `changes` that are asked for together one request.
 * All else passes through.
 *
 * A joined `wait` resolves for those whose workspaces it gives, or for all when it gives none; the others wait on in the next one. A joined call
 * that fails for a reason that may be one caller's own is made again for each alone. An aborted caller leaves; the others stay.
 */
export function multiplexed(transport: Transport, { gather = () => Promise.resolve() }: MultiplexedOptions = {}): Transport {
  return {
    hello: (options) => transport.hello(options),
    changes: joined(changesOf(transport), gather),
    outcomes: (request, options) => transport.outcomes(request, options),
    wait: joined(waitOf(transport), gather),
    heads: (request, options) => transport.heads(request, options),
    manifests: (request, options) => transport.manifests(request, options),
    versions: (request, options) => transport.versions(request, options),
    missing: (request, options) => transport.missing(request, options),
    draft: (request, options) => transport.draft(request, options),
    sketches: (request, options) => transport.sketches(request, options),
    upload: (request, options) => transport.upload(request, options),
    download: (request, options) => transport.download(request, options),
    commit: (request, options) => transport.commit(request, options),
  };
}

/** How calls of one operation become one. */
interface Joining<Request, Answer> {
  /** Whether callers under way go on in one call with newcomers. Else only calls made together are joined. */
  readonly takesUpRunning: boolean;
  fits(one: Request, other: Request): boolean;
  /** For each request, in their order, its answer, or `undefined` when it has none yet: its caller goes on in the next call. */
  call(requests: readonly Request[], options: OperationOptions): Promise<ReadonlyArray<Answer | undefined>>;
}

function changesOf(transport: Transport): Joining<Parameters<Transport["changes"]>[0], Awaited<ReturnType<Transport["changes"]>>> {
  return {
    takesUpRunning: false,
    fits: (one, other) => one.helloHash === other.helloHash,
    async call(requests, options) {
      const asked = requests.flatMap((request) => request.workspaces);
      const { hello, workspaces } = await transport.changes({ helloHash: requests[0]?.helloHash, workspaces: asked }, options);
      if (workspaces.length !== asked.length) {
        throw new TwinfoldError("ERR_PROTOCOL", `the hub told the changes of ${workspaces.length} workspaces, where ${asked.length} were asked for`);
      }
      let at = 0;
      return requests.map((request) => {
        const own = workspaces.slice(at, at + request.workspaces.length);
        at += own.length;
        return { hello, workspaces: own };
      });
    },
  };
}

function waitOf(transport: Transport): Joining<Parameters<Transport["wait"]>[0], Awaited<ReturnType<Transport["wait"]>>> {
  return {
    takesUpRunning: true,
    fits: () => true,
    async call(requests, options) {
      const earliest = new Map<WorkspaceId, number>();
      for (const { workspaceId, afterSeq } of requests.flatMap((request) => request.workspaces)) {
        earliest.set(workspaceId, Math.min(afterSeq, earliest.get(workspaceId) ?? afterSeq));
      }
      const workspaces = [...earliest].map(([workspaceId, afterSeq]) => ({ workspaceId, afterSeq }));
      const moved = new Set(await transport.wait({ workspaces, timeoutMs: Math.min(...requests.map((request) => request.timeoutMs)) }, options));
      return requests.map((request) => {
        const own = request.workspaces.flatMap(({ workspaceId }) => (moved.has(workspaceId) ? [workspaceId] : []));
        return own.length > 0 || moved.size === 0 ? own : undefined;
      });
    },
  };
}

/** One caller's part in a joined call. */
interface Part<Request, Answer> {
  readonly request: Request;
  readonly answered: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
}

/** A call on behalf of the parts that still want it. */
interface Group<Request, Answer> {
  readonly parts: Set<Part<Request, Answer>>;
  readonly abort: AbortController;
}

type WorkspacesRequest = { readonly workspaces: readonly unknown[] };

function joined<Request extends WorkspacesRequest, Answer>(joining: Joining<Request, Answer>, gather: () => Promise<void>) {
  type JoinedPart = Part<Request, Answer>;
  const gathered = new Set<JoinedPart>();
  const running = new Set<Group<Request, Answer>>();
  let gathering = false;

  async function run(parts: readonly JoinedPart[]): Promise<void> {
    const group = { parts: new Set(parts), abort: new AbortController() };
    running.add(group);
    try {
      const answers = await joining.call(
        parts.map((part) => part.request),
        { signal: group.abort.signal },
      );
      for (const [i, part] of parts.entries()) {
        const answer = answers[i];
        if (!group.parts.has(part)) continue;
        if (answer === undefined) take(part);
        else part.answered(answer);
      }
    } catch (error) {
      const splits = group.parts.size > 1 && isOfOneRequest(error);
      for (const part of group.parts) {
        if (splits) void run([part]);
        else part.failed(error);
      }
    } finally {
      running.delete(group);
    }
  }

  /** Into the next call. */
  function take(part: JoinedPart): void {
    gathered.add(part);
    if (gathering) return;
    gathering = true;
    void send();
  }

  async function send(): Promise<void> {
    await gather();
    gathering = false;
    if (gathered.size === 0) return;
    const underWay = joining.takesUpRunning ? [...running] : [];
    const parts = [...underWay.flatMap((group) => [...group.parts]), ...gathered];
    gathered.clear();
    for (const group of grouped(parts, joining.fits)) void run(group);
    for (const group of underWay) end(group);
  }

  function leave(part: JoinedPart): void {
    gathered.delete(part);
    for (const group of running) if (group.parts.delete(part) && group.parts.size === 0) end(group);
  }

  return (request: Request, { signal }: OperationOptions = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const abort = (): void => {
        leave(part);
        reject(signal?.reason);
      };
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T): void => {
          signal?.removeEventListener("abort", abort);
          settle(value);
        };
      const part: JoinedPart = { request, answered: settled(resolve), failed: settled(reject) };
      signal?.addEventListener("abort", abort, { once: true });
      take(part);
    });
}

/** Parts that fit together, as many as one request may hold workspaces. */
function grouped<Request extends WorkspacesRequest, Answer>(
  parts: ReadonlyArray<Part<Request, Answer>>,
  fits: (one: Request, other: Request) => boolean,
): Array<Array<Part<Request, Answer>>> {
  const groups: Array<Array<Part<Request, Answer>>> = [];
  for (const part of parts) {
    const group = groups.find((candidate) => {
      const [first] = candidate;
      const count = candidate.reduce((sum, one) => sum + one.request.workspaces.length, part.request.workspaces.length);
      return first !== undefined && fits(first.request, part.request) && count <= MAX_WORKSPACES;
    });
    if (group === undefined) groups.push([part]);
    else group.push(part);
  }
  return groups;
}

/** Ends a call that nobody wants any more; what it comes to reaches nobody. */
function end(group: Group<unknown, never>): void {
  group.parts.clear();
  group.abort.abort(new TwinfoldError("ERR_CLOSED", "nobody waits for this call any more"));
}

/** Failures that may be one caller's alone, so that the others are not to suffer from them. */
const OF_ONE_REQUEST: ReadonlySet<TwinfoldErrorCode> = new Set([
  "ERR_NOT_FOUND",
  "ERR_INVALID_ARGUMENT",
  "ERR_PERMISSION_DENIED",
  "ERR_PROTOCOL",
  "ERR_TOO_LARGE",
]);

function isOfOneRequest(error: unknown): boolean {
  return isTwinfoldError(error) && OF_ONE_REQUEST.has(error.code);
}
