import {
  answerCodecs,
  type CommitAnswer,
  decode,
  encode,
  type Frame,
  isTwinfoldError,
  type MessageOperation,
  type OperationOptions,
  type Transport,
  TwinfoldError,
} from "@twinfold/core";
import type { RandomStream } from "./random.js";
import type { Scheduler } from "./scheduler.js";
import type { NetworkFaultKind, SwarmParams } from "./world-plan.js";

/** Longest that a request without an answer is waited for, as the HTTP transport does. */
const TIMEOUT_MS = 30_000;
/** One message in so many is held up. */
const SLOW_ONE_IN = 40;
const SLOW_MS = 20_000;

type Fate = "arrives" | NetworkFaultKind;

export interface SimNetworkParts {
  readonly scheduler: Scheduler;
  readonly random: RandomStream;
  readonly swarm: SwarmParams;
  /** By the number of the request. */
  readonly faults: ReadonlyMap<number, Fate>;
  /** The hub's end, as it is when a request gets there; `undefined` when nobody listens. */
  readonly hub: () => { readonly transport: Transport; readonly died: Promise<never> } | undefined;
  readonly note: (what: string) => void;
  /** Told when the same commit was carried out twice, with both answers. */
  readonly onTwice: (first: CommitAnswer, second: CommitAnswer) => void;
}

/** What one device has between itself and the hub: a Transport that delays, loses, repeats, cuts off and damages. */
export class SimNetwork {
  readonly #parts: SimNetworkParts;
  #requests = 0;
  #partition: "none" | "both-ways" | "answers" = "none";
  #healed = false;

  constructor(parts: SimNetworkParts) {
    this.#parts = parts;
  }

  get requests(): number {
    return this.#requests;
  }

  /** `answers`: requests get through, and are carried out. */
  cut(how: "both-ways" | "answers"): void {
    this.#partition = how;
  }

  mend(): void {
    this.#partition = "none";
  }

  /** From now on everything arrives. */
  heal(): void {
    this.mend();
    this.#healed = true;
  }

  transport(): Transport {
    const message =
      <Name extends MessageOperation | "hello" | "upload">(name: Name) =>
      (...args: unknown[]) =>
        this.#exchange(name, args);
    return {
      hello: message("hello"),
      changes: message("changes"),
      outcomes: message("outcomes"),
      wait: (request, options) =>
        this.#send(
          "wait",
          options,
          (transport) => transport.wait(request, options),
          (answer) => this.#assertPartIsRefused("wait", encode(answerCodecs.wait, answer)),
        ),
      heads: message("heads"),
      manifests: message("manifests"),
      versions: message("versions"),
      missing: message("missing"),
      draft: message("draft"),
      sketches: message("sketches"),
      upload: ({ workspaceId, frames }, options) => {
        // One that comes twice is on its way when the sender may use its memory again.
        const sent = { workspaceId, frames: frames.map((frame) => ({ ...frame, payload: frame.payload.slice() })) };
        return this.#exchange("upload", [sent, options], (fate) => [
          fate === "corrupt" ? { ...sent, frames: this.#damage(sent.frames) } : sent,
          options,
        ]);
      },
      download: (request, options) => this.#download(request, options),
      commit: message("commit"),
    } as Transport;
  }

  #exchange(name: MessageOperation | "hello" | "upload", args: unknown[], arriving: (fate: Fate) => unknown[] = () => args): Promise<never> {
    const options = args[name === "hello" ? 0 : 1] as OperationOptions | undefined;
    const codec = answerCodecs[name];
    return this.#send(
      name,
      options,
      (transport, fate) => (transport[name] as (...all: unknown[]) => Promise<never>)(...arriving(fate)),
      (answer) => this.#assertPartIsRefused(name, encode(codec as never, answer)),
    );
  }

  /** A part of an answer must not be readable as a whole one. */
  #assertPartIsRefused(name: keyof typeof answerCodecs, bytes: Uint8Array): void {
    try {
      decode(answerCodecs[name] as never, bytes.subarray(0, this.#parts.random.int(bytes.length)));
    } catch (error) {
      if (isTwinfoldError(error)) return;
      throw error;
    }
    throw new Error(`a part of an answer to ${name} was read as if it were whole`);
  }

  async #send<Answer>(
    name: string,
    options: OperationOptions | undefined,
    call: (transport: Transport, fate: Fate) => Promise<Answer>,
    cutOff: (answer: Answer) => void,
  ): Promise<Answer> {
    const { scheduler } = this.#parts;
    const signal = options?.signal;
    const fate = this.#draw();
    await scheduler.sleep(this.#latency(), signal);
    if (this.#isCut("request") || fate === "drop-request") {
      this.#parts.note(`${name}: the request is lost`);
      throw await this.#unreachable(name, signal);
    }
    const hub = this.#hubNow(name);
    const first = Promise.race([call(hub.transport, fate), hub.died]);
    if (fate === "duplicate" && name !== "wait") {
      this.#parts.note(`${name}: comes twice`);
      const second = scheduler.sleep(this.#latency()).then(() => Promise.race([call(hub.transport, fate), hub.died]));
      second.catch(() => {}); // whoever sent it once knows nothing of it
      if (name === "commit")
        void Promise.all([first, second]).then(
          ([a, b]) => this.#parts.onTwice(a as CommitAnswer, b as CommitAnswer),
          () => {},
        );
    }
    const answer = await first;
    await scheduler.sleep(this.#latency(), signal);
    if (this.#isCut("answer") || fate === "drop-answer") {
      this.#parts.note(`${name}: carried out, the answer is lost`);
      throw await this.#unreachable(name, signal);
    }
    if (fate !== "truncate") return answer;
    this.#parts.note(`${name}: the answer is cut off`);
    cutOff(answer);
    throw new TwinfoldError("ERR_UNREACHABLE", `${name}: the answer was cut off`);
  }

  async *#download(request: Parameters<Transport["download"]>[0], options?: OperationOptions): AsyncGenerator<Frame> {
    const { scheduler, random } = this.#parts;
    const fate = this.#draw();
    const signal = options?.signal;
    await scheduler.sleep(this.#latency(), signal);
    if (this.#isCut("request") || fate === "drop-request") throw await this.#unreachable("download", signal);
    const hub = this.#hubNow("download");
    const frames = hub.transport.download(request, options)[Symbol.asyncIterator]();
    const breaksAt = fate === "drop-answer" || fate === "truncate" ? random.int(Math.max(1, request.chunkIds.length)) : Number.POSITIVE_INFINITY;
    for (let index = 0; ; index++) {
      const { done, value } = await Promise.race([frames.next(), hub.died]);
      if (done === true) return;
      await scheduler.sleep(this.#latency() / 4, signal);
      if (index >= breaksAt || this.#isCut("answer")) {
        this.#parts.note(`download: breaks off after ${index} frames`);
        throw new TwinfoldError("ERR_UNREACHABLE", "the download broke off");
      }
      const frame = value as Frame;
      if (fate === "corrupt") this.#parts.note("download: a frame is damaged");
      yield* fate === "corrupt" ? this.#damage([frame]) : [frame];
    }
  }

  /** One bit of a payload is another. Whatever holds no payload was checked on its way, by TLS or TCP. */
  #damage(frames: readonly Frame[]): readonly Frame[] {
    const { random } = this.#parts;
    const index = random.int(frames.length);
    return frames.map((frame, at) => {
      if (at !== index || frame.payload.length === 0) return frame;
      const payload = frame.payload.slice();
      const place = random.int(payload.length);
      payload[place] = (payload[place] as number) ^ (1 << random.int(8));
      return { ...frame, payload };
    });
  }

  #hubNow(name: string) {
    const hub = this.#parts.hub();
    if (hub === undefined) throw new TwinfoldError("ERR_UNREACHABLE", `${name}: nobody listens at the hub's address`);
    return hub;
  }

  async #unreachable(name: string, signal: AbortSignal | undefined): Promise<TwinfoldError> {
    await this.#parts.scheduler.sleep(TIMEOUT_MS, signal);
    return new TwinfoldError("ERR_UNREACHABLE", `${name}: no answer within ${TIMEOUT_MS / 1000} s`);
  }

  #isCut(direction: "request" | "answer"): boolean {
    return this.#partition === "both-ways" || (this.#partition === "answers" && direction === "answer");
  }

  #latency(): number {
    const { random, swarm } = this.#parts;
    const slow = !this.#healed && random.int(SLOW_ONE_IN) === 0 ? random.int(SLOW_MS) : 0;
    return (random.int(1000) / 1000) * swarm.latencyMs + slow;
  }

  /** What becomes of the next request. */
  #draw(): Fate {
    const named = this.#healed ? "arrives" : (this.#parts.faults.get(this.#requests + 1) ?? "arrives");
    this.#requests += 1;
    if (this.#healed || named !== "arrives") return named;
    const { random, swarm } = this.#parts;
    const share = random.int(1_000_000) / 1_000_000;
    let sum = 0;
    for (const [fate, rate] of [
      ["drop-request", swarm.dropRequest],
      ["drop-answer", swarm.dropAnswer],
      ["duplicate", swarm.duplicate],
      ["truncate", swarm.truncate],
      ["corrupt", swarm.corrupt],
    ] as const) {
      sum += rate;
      if (share < sum) return fate;
    }
    return "arrives";
  }
}
