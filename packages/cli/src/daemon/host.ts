import { setTimeout as sleep } from "node:timers/promises";
import type { Device } from "../device/device.js";
import { acquireLock, type HeldLock, inUse } from "../device/lock.js";
import { prepareSocketPath } from "../device/socket-path.js";
import type { Engine } from "./engine.js";
import { requestAt } from "./request-client.js";
import { serveRequests } from "./request-server.js";
import type { Answer, Ask, FollowOptions, Method, RequestOptions } from "./requests.js";

/** How long a command waits for another that has the state folder and does not answer: it is about to end, or to begin answering. */
const BUSY_MS = 10_000;
const RETRY_MS = 50;

/**
 * Has a request answered: by the process that has the state folder, or by this one, which then has it for as long as that takes.
 *
 * @throws {TwinfoldError} `ERR_IN_USE` when another process keeps the state folder and does not answer.
 */
export async function request<Name extends Method>(device: Device, method: Name, ask: Ask<Name>, options: RequestOptions): Promise<Answer<Name>> {
  const socket = await prepareSocketPath(device.home);
  const giveUpAtMs = device.env.monotonicMs() + BUSY_MS;
  for (;;) {
    const outcome = await acquireLock(device.home, { role: "once", socket, bootId: device.env.bootId });
    if (outcome.kind === "held") {
      return await hosted(device, outcome.lock, socket, (engine) => engine.request(method, ask, options));
    }
    const answered = await requestAt(outcome.holder.socket, method, ask, options);
    if (answered.kind === "answered") return answered.answer;
    if (device.env.monotonicMs() > giveUpAtMs) throw inUse(outcome.holder);
    await sleep(RETRY_MS, undefined, { signal: options.signal });
  }
}

/**
 * Follows links in this process until `signal` aborts, answering other commands meanwhile.
 *
 * Waits for a command that is under way.
 *
 * @throws {TwinfoldError} `ERR_IN_USE` when another process follows already.
 */
export async function follow(device: Device, options: FollowOptions & { readonly onWaiting: (pid: number) => void }): Promise<void> {
  const socket = await prepareSocketPath(device.home);
  let waiting = false;
  for (;;) {
    const outcome = await acquireLock(device.home, { role: "follow", socket, bootId: device.env.bootId });
    if (outcome.kind === "held") return await hosted(device, outcome.lock, socket, (engine) => engine.follow(options));
    if (outcome.holder.role === "follow") throw inUse(outcome.holder);
    if (!waiting) options.onWaiting(outcome.holder.pid);
    waiting = true;
    await sleep(RETRY_MS, undefined, { signal: options.signal });
  }
}

async function hosted<T>(device: Device, lock: HeldLock, socket: string, use: (engine: Engine) => Promise<T>): Promise<T> {
  try {
    const { createEngine } = await import("./engine.js"); // whoever only asks a running process does without it
    const engine = await createEngine(device);
    try {
      const server = await serveRequests(socket, engine);
      try {
        return await use(engine);
      } finally {
        await server.close();
      }
    } finally {
      await engine.close();
    }
  } finally {
    await lock.release();
  }
}
