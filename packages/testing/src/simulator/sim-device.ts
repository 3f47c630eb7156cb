import { initializeRoot } from "@twinfold/adapter-fs";
import {
  type AccountId,
  type CommitAnswer,
  type DeviceId,
  INTERNAL_NAME,
  isTwinfoldError,
  type Principal,
  type Replica,
  type SyncReport,
  type WorkspaceId,
} from "@twinfold/core";
import { Life } from "./life.js";
import { Folder, ROOT } from "./folder.js";
import { Person } from "./person.js";
import { diskError, type FileSystemCall } from "../hooked-file-system.js";
import type { Ledger } from "./ledger.js";
import type { Random, RandomStream } from "./random.js";
import type { Scheduler } from "./scheduler.js";
import { createSimDisk, type SimDisk } from "./sim-disk.js";
import { createSimEnv, SimClock } from "./sim-env.js";
import type { SimHub } from "./sim-hub.js";
import { SimNetwork } from "./sim-network.js";
import { SimReplicaStore } from "./sim-replica-store.js";
import type { Sut } from "./sut.js";
import { EngineUser } from "./engine-user.js";
import type { AskedKind, DeviceSpec, Fault, NetworkFaultKind, Op, WorldPlan } from "./world-plan.js";

/** After which a process that stopped following, or was killed, is there again. */
const RESTART_MS = 5_000;
/** Where the engine keeps what is its own. */
const OWN = `${ROOT}/${INTERNAL_NAME}/`;
/** What a pass may end with when something is wrong outside the engine. */
const OUTSIDE: ReadonlySet<string> = new Set([
  "ERR_ROOT_MISSING",
  "ERR_ROOT_UNREADABLE",
  "ERR_ROOT_FOREIGN",
  "ERR_LOCAL_FAILED",
  "ERR_NO_SPACE",
  "ERR_CLOSED",
]);

/** What the engine may answer a person whose wish cannot be fulfilled. */
const REFUSALS: ReadonlySet<string> = new Set(["ERR_NOT_FOUND", "ERR_INVALID_ARGUMENT"]);

/** Calls that change nothing that a person sees. */
const PASSIVE: ReadonlySet<FileSystemCall["operation"]> = new Set([
  ...(["lstat", "realpath", "readdir", "readlink", "open", "syncDirectory"] as const),
  ...(["file.read", "file.stat", "file.sync"] as const),
]);

/** What the engine does to nobody's file: it takes a file away by a rename into its trash, and makes one in its own folder. */
const DESTRUCTIVE: ReadonlySet<FileSystemCall["operation"]> = new Set(["unlink", "file.write", "file.truncate"]);

export interface SimDeviceParts {
  readonly index: number;
  readonly plan: WorldPlan;
  readonly accountId: AccountId;
  readonly workspaceId: WorkspaceId;
  readonly sut: Sut;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly hub: SimHub;
  readonly note: (who: string, what: string) => void;
  readonly mark: (text: string) => void;
  readonly fail: (oracle: string, message: string) => void;
  readonly onTwice: (first: CommitAnswer, second: CommitAnswer) => void;
  readonly onReport: (device: SimDevice, report: SyncReport) => void;
  /** Told when the engine takes a file out of a folder, unasked. */
  readonly onTakenAway: (device: SimDevice) => void;
  /** Told when the engine unlinks what is not in a folder of its own. */
  readonly onUnlink: (what: string) => void;
}

/** One device: its disk, its clock, its network, the person at it, and the process of the engine. */
export class SimDevice {
  readonly #parts: SimDeviceParts;
  readonly #spec: DeviceSpec;
  readonly #clock: SimClock;
  readonly #metadata = new SimReplicaStore();
  readonly #disk: SimDisk;
  /** By kind and number of the call. */
  readonly #faults: ReadonlySet<string>;
  readonly folder: Folder;
  readonly network: SimNetwork;
  readonly person: Person;
  readonly #user: EngineUser;
  #life: Life | undefined;
  #replica: Replica | undefined;
  #following: AbortController | undefined;
  /** Of processes that were killed in the middle of following. */
  readonly #abandoned: AbortController[] = [];
  #isToStop = false;
  #starts = 0;
  #boots = 1;
  #rootId: string | undefined;
  #turns: RandomStream;
  #writes = 0;
  #diskCalls = 0;
  #passes = 0;
  #acts = 0;
  /** Wishes that the engine is busy with. */
  #asks = 0;
  /** Passes under way in which somebody says yes to removals. */
  #confirmedPasses = 0;
  #healed = false;
  #isOff = false;
  #isUnmounted = false;
  #awaySinceMs = 0;
  /** The engine's process has died or a call of its disk has failed, and it has not ended a pass since: it may not know of all that it has put there. */
  #isUnsure = false;
  /** What it could not do its work with, as it said last. */
  skipped: ReadonlySet<string> = new Set();
  /** Its power was lost, and no pass has ended since: of what the engine put there without waiting for the disk a part may be there. */
  isInDoubt = false;
  hasLostPower = false;
  /** Times that its metadata was put back or lost. */
  setbacks = 0;
  conflicts = 0;
  /** Removals wait for a yes. */
  isBraking = false;

  constructor(parts: SimDeviceParts) {
    const { index, plan, scheduler, random, ledger, hub, accountId } = parts;
    this.#parts = parts;
    this.#spec = plan.devices[index] as DeviceSpec;
    this.#clock = new SimClock(scheduler, this.#spec);
    const clock = this.#clock;
    this.#turns = random.stream(`turns of ${this.name}`);
    this.#disk = createSimDisk({
      nowMs: () => clock.nowMs,
      random: random.stream(`disk of ${this.name}`),
      timeGranularityMs: this.#spec.timeGranularityMs,
      foldsCase: this.#spec.foldsCase,
      normalizes: this.#spec.listsDecomposed === true ? "nfd" : undefined,
      before: (call) => this.#beforeDiskCall(call),
    });
    this.folder = new Folder(this.#disk);
    this.person = new Person({
      device: this.name,
      folder: this.folder,
      ledger,
      scheduler,
      isWatched: (path) => !this.#isUnsure && !this.skipped.has(path),
    });
    const mine = plan.faults.filter(({ device }) => device === index);
    this.#faults = new Set(mine.map(({ kind, nth }) => `${kind} ${nth}`));
    const principal: Principal = { accountId, deviceId: this.deviceId, deviceName: this.name };
    const { folder } = this;
    this.#user = new EngineUser({
      spec: this.#spec,
      folder,
      disk: this.#disk,
      ledger,
      revisions: (nodeId) => hub.readerFor(principal).versions({ workspaceId: parts.workspaceId, nodeIds: [nodeId], limit: 1_000 }),
      hasLostPower: () => this.hasLostPower,
    });
    this.network = new SimNetwork({
      scheduler,
      random: random.stream(`network of ${this.name}`),
      swarm: plan.swarm,
      faults: new Map(mine.filter(isOfNetwork).map(({ nth, kind }) => [nth, kind])),
      hub: () => hub.endFor(principal),
      note: (what) => parts.note(this.name, `network, ${what}`),
      onTwice: parts.onTwice,
    });
  }

  get deviceId(): DeviceId {
    return `${this.#parts.index + 1}`.repeat(32).slice(0, 32) as DeviceId;
  }

  /** How long its disk has not been there; 0 when it is. */
  get awayMs(): number {
    return this.#isUnmounted ? this.#parts.scheduler.nowMs - this.#awaySinceMs : 0;
  }

  get name(): string {
    return this.#spec.name;
  }

  get spec(): DeviceSpec {
    return this.#spec;
  }

  /** Its folder shows everything, under its own name. */
  get isOrdinary(): boolean {
    const { foldsCase, listsDecomposed } = this.#spec;
    return foldsCase !== true && listsDecomposed !== true && this.isFull;
  }

  /** It is to hold all of the workspace. */
  get isFull(): boolean {
    return this.#spec.only === undefined && this.#spec.onDemandAboveBytes === undefined;
  }

  get replica(): Replica | undefined {
    return this.#replica;
  }

  /** Nothing of its own is under way but the wait for news. */
  async isIdle(): Promise<boolean> {
    if (this.#acts > 0 || this.#asks > 0 || this.#passes > 0 || this.#replica === undefined) return false;
    const status = await this.#life?.outcome(this.#replica.status());
    return status !== undefined && status.state !== "syncing" && status.problem === undefined;
  }

  /** A person does something; several may be under way. */
  async act(op: Parameters<Person["act"]>[0]): Promise<void> {
    if (this.#isUnmounted) return;
    this.#acts += 1;
    const done = await this.person.act(op);
    this.#acts -= 1;
    if (done !== undefined) this.#note(done);
  }

  /** A person wants something of the engine, whatever it is doing. */
  async ask(op: Op & { readonly kind: AskedKind }): Promise<void> {
    const [life, replica] = [this.#life, this.#replica];
    if (life === undefined || replica === undefined || this.#isUnmounted) return;
    this.#asks += 1;
    try {
      const done = await this.#user.ask(op, replica, life);
      if (done !== undefined) this.#note(done);
    } catch (error) {
      if (!life.alive) return;
      if (isTwinfoldError(error) && REFUSALS.has(error.code)) this.#note(`${op.kind} is refused: ${error.message}`);
      else this.#failed(op.kind, error);
    } finally {
      this.#asks -= 1;
    }
  }

  /** A second process of the engine for the same folder: it must not get at the metadata of the first. */
  startSecond(): void {
    if (this.#life === undefined || this.#replica === undefined) return;
    try {
      this.#metadata.openBeside();
      this.#parts.fail("errors", `${this.name}: a second process opened the metadata while the first has them open`);
    } catch (error) {
      if (!isTwinfoldError(error) || error.code !== "ERR_IN_USE") throw error;
      this.#note("a second process is refused");
    }
  }

  /** Its folder and its metadata become those of another device, byte by byte: there are two with one replica id. `false`: their disks or links differ. */
  async becomeCloneOf(source: SimDevice): Promise<boolean> {
    const isAlike = ({ foldsCase, listsDecomposed, only, onDemandAboveBytes }: DeviceSpec): string =>
      JSON.stringify([foldsCase, listsDecomposed, only, onDemandAboveBytes]);
    if (source === this || isAlike(source.spec) !== isAlike(this.#spec) || source.#isUnmounted || this.#isUnmounted || this.#isOff) return false;
    this.kill();
    this.setbacks += 1;
    this.#disk.restore(source.#disk.snapshot());
    this.folder.forget();
    this.#rootId = source.#rootId;
    await this.#metadata.becomeCopyOf(source.#metadata);
    await this.start();
    return true;
  }

  stepClock(byMs: number): void {
    this.#clock.step(byMs);
  }

  /** A new process. Only what is durable is left of the last. */
  async start(): Promise<void> {
    if (this.#life !== undefined || this.#isOff) return;
    const { sut, scheduler, random, workspaceId } = this.#parts;
    const life = new Life();
    this.#life = life;
    this.#starts += 1;
    const env = createSimEnv({
      life,
      scheduler,
      clock: this.#clock,
      random: random.stream(`ids of ${this.name}, ${this.#starts}`),
      bootId: `${this.#boots}`,
    });
    const store = this.#metadata.open(life, (method) => this.#beforeStoreCall(method));
    const { fileSystem, watch } = this.#disk;
    this.#rootId ??= (await initializeRoot({ root: ROOT, workspaceId, fileSystem, env })).rootId;
    const tree = sut.createTree({ root: ROOT, rootId: this.#rootId, fileSystem, env, deviceName: this.name, watch });
    const transport = life.wrap(this.network.transport(), async () => {}, ["download"]);
    const { only, onDemandAboveBytes } = this.#spec;
    const onDemand = onDemandAboveBytes === undefined ? undefined : { upToBytes: onDemandAboveBytes };
    const { draftFromBytes } = this.#parts.plan.swarm;
    const options = { workspaceId, tree, store, transport, env, deviceName: this.name, only, onDemand, draftFromBytes };
    const replica = await life.outcome(sut.createReplica(options));
    if (replica === undefined || !life.alive) return;
    this.#replica = replica;
    replica.on("conflict:detected", ({ path, copy }) => {
      this.conflicts += 1;
      this.#note(`conflict at ${path}${copy === undefined ? "" : `, kept as ${copy}`}`);
    });
    replica.on("sync:finished", ({ report }) => {
      this.#isUnsure = false;
      this.skipped = new Set(report.skipped.map(({ path }) => path));
      this.isInDoubt = false;
      this.person.settle();
      this.isBraking = report.awaitingConfirmation !== null;
      this.#parts.onReport(this, report);
    });
    if (this.#spec.mode === "follow") void this.#follow(life, replica);
  }

  /** The process is killed, and started again a little later. */
  crash(why: string): void {
    if (this.#life === undefined) return;
    this.#note(`the process dies ${why}`);
    this.kill();
    this.#parts.scheduler.after(RESTART_MS, () => void this.start());
  }

  /** Of what was not durable, the disk keeps what it likes. */
  losePower(why: string): void {
    if (this.#isOff) return;
    this.#note(`loses power ${why}`);
    const wasRunning = this.#life !== undefined;
    this.kill();
    this.#disk.losePower();
    this.person.losePower();
    this.hasLostPower = true;
    this.isInDoubt = true;
    this.#isUnmounted = false;
    this.folder.isThere = true;
    this.folder.forget();
    this.#boots += 1;
    if (wasRunning) this.#parts.scheduler.after(RESTART_MS, () => void this.start());
  }

  kill(): void {
    this.#isUnsure ||= this.#life !== undefined;
    this.#disk.closeAllFiles();
    this.#life?.end(new Error("the process was killed"));
    this.#life = undefined;
    this.#replica = undefined;
    if (this.#following !== undefined) this.#abandoned.push(this.#following);
    this.#following = undefined;
    this.#passes = 0;
    this.#confirmedPasses = 0;
  }

  /** When the world is over: Node keeps a signal that is made of others for as long as somebody listens to it, and with it all that a killed process was about. */
  release(): void {
    for (const controller of this.#abandoned) controller.abort(new Error("the world is over"));
  }

  /** Nothing runs until {@link switchOn}, not even what was to be started again. */
  switchOff(): void {
    this.#isOff = true;
    this.kill();
  }

  async switchOn(): Promise<void> {
    this.#isOff = false;
    await this.start();
  }

  /** A pass, unless one is under way. */
  async sync(confirm = false): Promise<void> {
    const [life, replica] = [this.#life, this.#replica];
    if (life === undefined || replica === undefined || this.#passes > 0 || this.#following !== undefined) return;
    this.#passes += 1;
    if (confirm) this.#confirmedPasses += 1;
    this.#note("sync begins");
    try {
      const report = await life.outcome(replica.sync({ confirm }));
      if (report !== undefined && life.alive) this.#note(`sync ends, ${report.inSync ? "in sync" : "not in sync"}: ${summary(report)}`);
    } catch (error) {
      if (life.alive) this.#failed("sync", error);
    } finally {
      if (life.alive) this.#passes -= 1;
      if (life.alive && confirm) this.#confirmedPasses -= 1;
    }
  }

  async #follow(life: Life, replica: Replica): Promise<void> {
    while (life.alive && !this.#isToStop) {
      this.#following = new AbortController();
      try {
        await replica.follow({ signal: this.#following.signal });
        if (life.alive) this.#following = undefined;
        return;
      } catch (error) {
        if (life.alive) this.#failed("follow", error);
        await life.within(() => this.#parts.scheduler.sleep(RESTART_MS));
      }
    }
    if (life.alive) this.#following = undefined;
  }

  /** From now on it syncs only when it is told to. */
  stopFollowing(): void {
    this.#isToStop = true;
    this.#following?.abort(new Error("follows no longer"));
  }

  get isFollowing(): boolean {
    return this.#following !== undefined;
  }

  async goBack(count: number | undefined): Promise<void> {
    this.kill();
    this.setbacks += 1;
    if (count === undefined) this.#metadata.lose();
    else await this.#metadata.goBack(count);
    await this.start();
  }

  unmount(how: "empty" | "absent" | "unreadable"): void {
    if (this.#isUnmounted || this.#acts > 0) return;
    this.#isUnmounted = true;
    this.#awaySinceMs = this.#parts.scheduler.nowMs;
    this.folder.isThere = false;
    this.#disk.unmount(ROOT, how);
    this.folder.forget();
  }

  mount(): void {
    if (!this.#isUnmounted) return;
    this.#isUnmounted = false;
    this.folder.isThere = true;
    this.#disk.mount(ROOT);
    this.folder.forget();
  }

  /** What the engine holds on to, of which nothing may be left at rest: by what it is, how many. */
  get held(): Readonly<Record<string, number>> {
    const staging = `${INTERNAL_NAME}/staging/`;
    return {
      "open files": this.#disk.openFiles,
      "watches of its folder": this.#disk.watches,
      "staging files": [...this.#disk.files(ROOT).keys()].filter((path) => path.startsWith(staging)).length,
      "commits in flight": this.#metadata.outbox,
    };
  }

  /** Removals may be done: somebody has said yes to them, or asked for them. */
  get isAllowed(): boolean {
    return this.#confirmedPasses > 0 || this.#asks > 0;
  }

  async #beforeDiskCall({ operation, path, to }: FileSystemCall): Promise<void> {
    const { life, swarm } = { life: this.#life, swarm: this.#parts.plan.swarm };
    this.#parts.mark(`${this.name} ${operation} ${path} ${to ?? ""}`);
    if (!PASSIVE.has(operation)) this.folder.forget();
    if (DESTRUCTIVE.has(operation) && !path.startsWith(OWN)) this.#parts.onUnlink(`${this.name}: ${operation} of ${path}`);
    if (operation === "rename" && !path.startsWith(OWN) && to?.startsWith(`${OWN}trash/`) && !this.isAllowed) this.#parts.onTakenAway(this);
    if (!this.#healed && this.#rootId !== undefined) {
      this.#diskCalls += 1;
      const isDue = (kind: Fault["kind"]): boolean => this.#faults.size > 0 && this.#faults.has(`${kind} ${this.#diskCalls}`);
      if (isDue("crash-at-disk-call")) this.crash(`at ${operation} ${path}`);
      if (isDue("power-loss-at-disk-call")) this.losePower(`at ${operation} ${path}`);
      const isFull = isDue("disk-full");
      if (isFull || isDue("disk-error") || (swarm.diskErrors > 0 && this.#turns.chance(swarm.diskErrors))) {
        this.#note(`the disk fails at ${operation} ${path}`);
        this.#isUnsure = true;
        throw diskError(isFull ? "ENOSPC" : "EIO");
      }
    }
    // What renames a file of its own over the target just after the engine's last look at it loses that file: a gap that is known.
    if (operation !== "rename" && swarm.diskTurns > 0 && this.#turns.chance(swarm.diskTurns))
      await this.#parts.scheduler.sleep(this.#turns.int(1000) / 500);
    await life?.within(async () => {});
    if (!PASSIVE.has(operation)) this.folder.forget();
  }

  async #beforeStoreCall(method: string): Promise<void> {
    this.#parts.mark(`${this.name} ${method}`);
    if (method === "write" && !this.#healed && this.#faults.has(`crash-at-store-write ${++this.#writes}`)) this.crash("at a write of its metadata");
    const { swarm } = this.#parts.plan;
    if (swarm.storeTurns > 0 && this.#turns.chance(swarm.storeTurns)) await this.#parts.scheduler.sleep(this.#turns.int(1000) / 500);
  }

  /** Whatever was broken works from now on. */
  async heal(): Promise<void> {
    this.#healed = true;
    this.network.heal();
    this.mount();
    await this.start();
  }

  #failed(what: string, error: unknown): void {
    this.#note(`${what} fails: ${error instanceof Error ? error.message : String(error)}`);
    if (isTwinfoldError(error) && (error.retryable || OUTSIDE.has(error.code))) return;
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#parts.fail("errors", `${this.name}: ${what} failed with what no one expects: ${told}`);
  }

  #note(what: string): void {
    this.#parts.note(this.name, what);
  }
}

function isOfNetwork(fault: Fault): fault is Fault & { readonly kind: NetworkFaultKind } {
  return !/^(crash|power|disk)/.test(fault.kind);
}

function summary(report: Awaited<ReturnType<Replica["sync"]>>): string {
  const { filesUploaded, filesDownloaded, filesDeleted, moved, conflicts, skipped, awaitingConfirmation } = report;
  const parts = Object.entries({ up: filesUploaded, down: filesDownloaded, deleted: filesDeleted, moved, conflicts }).filter(
    ([, count]) => count > 0,
  );
  const told = parts.map(([name, count]) => `${count} ${name}`);
  for (const { path, reason } of skipped) told.push(`skipped ${path}: ${reason}`);
  if (awaitingConfirmation !== null) told.push(`${awaitingConfirmation.removals} removals wait for a yes`);
  return told.join(", ") || "nothing to do";
}
