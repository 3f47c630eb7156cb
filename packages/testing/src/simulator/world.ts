import type { AccountId, WorkspaceId } from "@twinfold/core";
import { differencesFromHub } from "./differences.js";
import { readHubTree } from "./hub-tree.js";
import { Ledger } from "./ledger.js";
import { describeEntries, type Oracle, seenPayloads, type Violation, type WorldView } from "./oracle.js";
import { oracles as shippedOracles } from "./oracles/all.js";
import { createRandom } from "./random.js";
import { Scheduler } from "./scheduler.js";
import { SimDevice } from "./sim-device.js";
import { createSimEnv, SimClock } from "./sim-env.js";
import { SimHub } from "./sim-hub.js";
import { shippedSut, type Sut } from "./sut.js";
import { Trace } from "./trace.js";
import { setTraps } from "./traps.js";
import { isAsked, isOfPeople, type Op, type WorldPlan } from "./world-plan.js";

const ACCOUNT_ID = "a".repeat(32) as AccountId;
/** Within it, after everything works again, whoever follows has to be at rest: a full rescan and a backoff. */
const REST_MS = 15 * 60_000;
/** Looks at whether all are at rest. */
const LOOK_MS = 5_000;
/** Rounds of passes in which all have to agree. */
const MAX_ROUNDS = 12;
/** Above it the world is busy for ever. A world of 50 ops has some thousand. */
const MAX_EVENTS = 300_000;
const DAY_MS = 86_400_000;
/** After it a pass removes what was left over, also by the clock of a device that is a day behind, and whatever timer a dead process had is over. */
const TIDY_MS = 4 * DAY_MS;

export interface RunReport {
  readonly plan: WorldPlan;
  readonly violations: readonly Violation[];
  /** Equal for two runs of one plan. */
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  /** For people; empty unless it was asked for. */
  readonly timeline: readonly string[];
}

export interface WorldOptions {
  /** @default all of them */
  readonly oracles?: readonly Oracle[] | undefined;
  /** Keeps the timeline. @default false */
  readonly explain?: boolean | undefined;
}

export interface World extends WorldView {
  /** Lives through the plan, mends everything, waits for rest, and judges. Once. */
  run(): Promise<RunReport>;
}

/** A world in which replicas, a hub and the people at them live through a plan in virtual time. */
export function createWorld(plan: WorldPlan, sut: Sut = shippedSut, options: WorldOptions = {}): World {
  return new SimWorld(plan, sut, options);
}

class SimWorld implements World {
  readonly plan: WorldPlan;
  readonly ledger = new Ledger();
  readonly devices: SimDevice[] = [];
  readonly hub: SimHub;
  readonly accountId = ACCOUNT_ID;
  readonly #sut: Sut;
  readonly #oracles: readonly Oracle[];
  readonly #scheduler = new Scheduler();
  readonly #trace: Trace;
  readonly #violations: Violation[] = [];
  readonly #random;
  #workspaceId: WorkspaceId | undefined;

  constructor(plan: WorldPlan, sut: Sut, { oracles = shippedOracles.all(), explain = false }: WorldOptions) {
    this.plan = plan;
    this.#sut = sut;
    this.#oracles = oracles;
    this.#random = createRandom(plan.seed);
    const scheduler = this.#scheduler;
    this.#trace = new Trace(() => scheduler.nowMs, explain);
    const clock = new SimClock(scheduler, { skewMs: 0, drift: 0 });
    let starts = 0;
    this.hub = new SimHub({
      sut,
      scheduler,
      swarm: plan.swarm,
      random: this.#random.stream("hub"),
      env: (life) => createSimEnv({ life, scheduler, clock, random: this.#random.stream(`ids of the hub, ${++starts}`), bootId: "1" }),
      onAppended: async (batch) => {
        for (const row of batch.rows) if (row.table === "journal") this.#trace.note("hub", `accepts seq ${row.row.seq}`);
        for (const oracle of this.#oracles) await oracle.onAppended?.(batch, this, this.#failing(oracle.id));
      },
    });
  }

  get workspaceId(): WorkspaceId {
    return this.#workspaceId as WorkspaceId;
  }

  get timers(): number {
    return this.#scheduler.pending;
  }

  get hadSetback(): boolean {
    return this.hub.restores > 0 || this.devices.some(({ setbacks }) => setbacks > 0);
  }

  async run(): Promise<RunReport> {
    const unset = setTraps();
    try {
      let isOver = false;
      const story = this.#story().then(
        () => {
          isOver = true;
        },
        (error: unknown) => {
          isOver = true;
          this.#fail("errors", `the world itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        },
      );
      const ended = await this.#scheduler.run(() => isOver || this.#scheduler.events > MAX_EVENTS);
      if (!isOver) this.#fail("I13", ended ? "the devices are busy for ever" : "everything waits, and nothing will come");
      if (isOver) await story;
    } finally {
      unset();
      for (const device of this.devices) device.release();
    }
    return {
      plan: this.plan,
      violations: this.#violations,
      hash: this.#trace.hash,
      events: this.#scheduler.events,
      virtualMs: this.#scheduler.nowMs,
      timeline: this.#trace.lines,
    };
  }

  async #story(): Promise<void> {
    const { plan } = this;
    this.#workspaceId = await this.hub.createWorkspace(ACCOUNT_ID);
    for (const index of plan.devices.keys()) {
      this.devices.push(
        new SimDevice({
          index,
          plan,
          accountId: ACCOUNT_ID,
          workspaceId: this.#workspaceId,
          sut: this.#sut,
          scheduler: this.#scheduler,
          random: this.#random,
          ledger: this.ledger,
          hub: this.hub,
          note: (who, what) => this.#trace.note(who, what),
          mark: (text) => this.#trace.mark(text),
          fail: (oracle, message) => this.#fail(oracle, message),
          onTwice: (first, second) => {
            for (const oracle of this.#oracles) oracle.onTwice?.(first, second, this.#failing(oracle.id));
          },
          onReport: (device, report) => {
            for (const oracle of this.#oracles) oracle.onReport?.(device, report, this, this.#failing(oracle.id));
          },
          onTakenAway: (device) => {
            for (const oracle of this.#oracles) oracle.onTakenAway?.(device, this.#failing(oracle.id));
          },
          onUnlink: (what) => {
            for (const oracle of this.#oracles) oracle.onUnlink?.(what, this.#failing(oracle.id));
          },
        }),
      );
    }
    for (const device of this.devices) await device.start();
    if (plan.swarm.initialFiles > 0) {
      for (let i = 0; i < plan.swarm.initialFiles; i++)
        await this.devices[0]?.act({ kind: "write", device: 0, waitMs: 0, path: initialPath(i), size: 20 });
      await this.#settle(MAX_ROUNDS);
    }
    for (const [index, op] of plan.ops.entries()) {
      await this.#scheduler.sleep(op.waitMs);
      if (plan.swarm.calm) await this.#calmly(op);
      else await this.#perform(op);
      if (index % 8 === 7) await this.#look();
    }
    await this.#rest();
  }

  /** Alone: all are at rest before, and it is over when the next begins. Nothing more is done while somebody who follows has to be asked. */
  async #calmly(op: Op): Promise<void> {
    if (!isOfPeople(op.kind) && !isAsked(op.kind)) return;
    await this.#settle(MAX_ROUNDS);
    if (this.devices.some(({ isBraking }) => isBraking)) return;
    await this.#please(this.#deviceOf(op), op);
  }

  #deviceOf(op: Op): SimDevice {
    return this.devices[op.device % this.devices.length] as SimDevice;
  }

  async #perform(op: Op): Promise<void> {
    const device = this.#deviceOf(op);
    const note = (what: string): void => this.#trace.note(device.name, what);
    switch (op.kind) {
      case "sync":
        void device.sync();
        return;
      case "sync-all":
        await this.#settle(4);
        return;
      case "offline":
        note("goes offline");
        device.network.cut((op.count ?? 0) % 2 === 0 ? "both-ways" : "answers");
        return;
      case "online":
        note("is online");
        device.network.mend();
        return;
      case "crash":
        device.crash("of itself");
        return;
      case "lose-power":
        device.losePower("");
        return;
      case "lose-metadata":
        note("loses its metadata");
        return device.goBack(undefined);
      case "metadata-back":
        note(`has metadata of ${op.count ?? 1} transactions ago`);
        return device.goBack(op.count ?? 1);
      case "unmount-root":
        note("the disk is unplugged");
        device.unmount((["empty", "absent", "unreadable"] as const)[(op.count ?? 0) % 3] ?? "absent");
        return;
      case "mount-root":
        note("the disk is there again");
        device.mount();
        return;
      case "step-clock":
        note(`sets its clock by ${op.count ?? 0} s`);
        device.stepClock((op.count ?? 0) * 1000);
        return;
      case "suspend":
        note(`is switched off, and nobody does anything for ${op.count ?? 1} days`);
        for (const each of this.devices) each.switchOff();
        await this.#scheduler.sleep((op.count ?? 1) * DAY_MS);
        for (const each of this.devices) await each.switchOn();
        return;
      case "clone-device":
        return await this.#clone(device);
      case "second-process":
        device.startSecond();
        return;
      case "crash-hub":
        this.#trace.note("hub", "dies");
        this.hub.crash();
        this.#scheduler.after(1_000, () => this.hub.start());
        return;
      case "back-up-hub":
        this.#trace.note("hub", "is backed up");
        this.hub.backUp();
        return;
      case "restore-hub":
        if (this.hub.restore()) this.#trace.note("hub", "is put back to its backup");
        return;
      default:
        void this.#please(device, op);
    }
  }

  /** What a person does, or asks of the engine. */
  async #please(device: SimDevice, op: Op): Promise<void> {
    const { kind } = op;
    if (isAsked(kind)) await device.ask({ ...op, kind });
    else await device.act(op);
  }

  /** Somebody copies the next device's disk onto this one. What this one alone had is lost by that, or is not. */
  async #clone(device: SimDevice): Promise<void> {
    const { devices, ledger } = this;
    const source = devices[(devices.indexOf(device) + 1) % devices.length] as SimDevice;
    const kept = new Set(devices.filter((each) => each !== device).flatMap(({ folder }) => [...seenPayloads(folder.entries(), ledger).keys()]));
    const own = [...seenPayloads(device.folder.entries(), ledger).keys()].filter((payload) => !kept.has(payload));
    if (!(await device.becomeCloneOf(source))) return;
    this.#trace.note(device.name, `becomes a copy of ${source.name}`);
    for (const payload of own) payload.isPassing = true;
  }

  /** Mends everything, waits until all are at rest, and asks the oracles. */
  async #rest(): Promise<void> {
    this.#trace.note("world", "everything is mended");
    this.hub.heal();
    for (const device of this.devices) await device.heal();
    const followers = this.devices.filter((device) => device.isFollowing);
    if (followers.length > 0) await this.#untilFollowersRest(followers);
    for (const device of followers) device.stopFollowing();
    for (const until = this.#scheduler.nowMs + REST_MS; !(await this.#allIdle()); await this.#scheduler.sleep(LOOK_MS)) {
      if (this.#scheduler.nowMs < until) continue;
      this.#fail("I13", `not every device is at rest ${REST_MS / 60_000} minutes after everything works:\n${await this.#statuses(this.devices)}`);
      break;
    }
    const rounds = await this.#settle(MAX_ROUNDS);
    if (rounds === undefined) this.#fail("I13", `the devices do not come to rest in ${MAX_ROUNDS} rounds`);
    const before = (await this.hub.store.workspace(this.workspaceId))?.headSeq;
    for (const device of this.devices) await device.sync();
    // By then the engine has tidied up.
    await this.#scheduler.sleep(TIDY_MS);
    for (const device of this.devices) await device.sync();
    const after = (await this.hub.store.workspace(this.workspaceId))?.headSeq;
    if (before !== after) this.#fail("I13", `further rounds of passes made ${(after ?? 0) - (before ?? 0)} changes that nobody asked for`);
    this.#trace.note("world", "everything is at rest");
    for (const oracle of this.#oracles) await oracle.onRest?.(this, this.#failing(oracle.id));
  }

  async #look(): Promise<void> {
    for (const oracle of this.#oracles) await oracle.onLook?.(this, this.#failing(oracle.id));
  }

  async #untilFollowersRest(followers: readonly SimDevice[]): Promise<void> {
    const until = this.#scheduler.nowMs + REST_MS;
    for (let before = ""; ; ) {
      await this.#scheduler.sleep(LOOK_MS);
      for (const device of this.devices) if (!followers.includes(device)) await device.sync(true);
      const now = this.#described();
      if (now === before && (await this.#isAgreed()) && (await this.#allIdle())) return;
      before = now;
      if (this.#scheduler.nowMs > until) {
        const brakes = followers.some((device) => device.isBraking);
        if (!brakes)
          this.#fail(
            "I13",
            `whoever follows is not at rest ${REST_MS / 60_000} minutes after everything works:\n${await this.#statuses(followers)}\n${now}`,
          );
        return;
      }
    }
  }

  async #statuses(devices: readonly SimDevice[]): Promise<string> {
    const said = devices.map(async (device) => `${device.name}: ${JSON.stringify(await device.replica?.status())}`);
    return (await Promise.all(said)).join("\n");
  }

  async #allIdle(): Promise<boolean> {
    for (const device of this.devices) if (!(await device.isIdle())) return false;
    return true;
  }

  /** Passes in turn until nothing moves; gives the rounds, or `undefined` when there were too many. */
  async #settle(maxRounds: number): Promise<number | undefined> {
    for (let round = 1; round <= maxRounds; round++) {
      const before = this.#described();
      for (const device of this.devices) await device.sync(true);
      if (this.devices.some((device) => device.isFollowing)) await this.#scheduler.sleep(LOOK_MS);
      if (before === this.#described() && (await this.#isAgreed())) return round;
    }
    return undefined;
  }

  /** All folders say the same. */
  async #isAgreed(): Promise<boolean> {
    if (this.ledger.ruledNames.size === 0 && this.devices.every(({ isOrdinary }) => isOrdinary))
      return new Set(this.devices.map((device) => this.#describe(device))).size === 1;
    const hub = await readHubTree(this);
    return this.devices.every((device) => differencesFromHub(device, hub, this.ledger).length === 0);
  }

  #describe(device: SimDevice): string {
    return describeEntries(device.folder.entries(), this.ledger);
  }

  #described(): string {
    return this.devices.map((device) => `${device.name}:\n${this.#describe(device)}`).join("\n");
  }

  #failing(oracle: string): (message: string) => void {
    return (message) => this.#fail(oracle, message);
  }

  #fail(oracle: string, message: string): void {
    if (this.#violations.length >= 20) return;
    this.#violations.push({ oracle, message });
    this.#trace.note("world", `${oracle} IS BROKEN: ${message}`);
  }
}

function initialPath(index: number): string {
  return index % 3 === 0 ? `first ${index}` : `${"abc"[index % 3] ?? "a"}/first ${index}`;
}
