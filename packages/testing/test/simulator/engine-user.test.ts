import { describe, expect, it } from "vitest";
import type { SimDevice } from "../../src/simulator/sim-device.js";
import { createWorld, type World } from "../../src/simulator/world.js";
import { DEFAULT_SWARM, type DeviceSpec, type Op, type SwarmParams, type WorldPlan } from "../../src/simulator/world-plan.js";

const ORDINARY: DeviceSpec = { name: "laptop", mode: "passes", skewMs: 0, drift: 0, timeGranularityMs: 0 };

/** A laptop and a phone, between whose ops all of what the one before led to is over. */
async function lived(ops: ReadonlyArray<Omit<Op, "waitMs">>, second: Partial<DeviceSpec> = {}, swarm: Partial<SwarmParams> = {}) {
  const plan: WorldPlan = {
    v: 1,
    seed: 1,
    swarm: { ...DEFAULT_SWARM, latencyMs: 0, ...swarm },
    devices: [ORDINARY, { ...ORDINARY, name: "phone", ...second }],
    ops: ops.map((op) => ({ ...op, waitMs: 20_000 })),
    faults: [],
  };
  const world = createWorld(plan, undefined, { explain: true });
  const { violations, timeline } = await world.run();
  expect(violations, timeline.join("\n")).toEqual([]);
  return { world, story: timeline.join("\n"), paths: pathsOf(world) };
}

function pathsOf({ devices }: World): ReadonlyArray<readonly string[]> {
  return devices.map(({ folder }: SimDevice) => [...folder.entries().keys()]);
}

const SYNC = { kind: "sync-all", device: 0 } as const;
const on = (device: number, kind: Op["kind"], rest: Partial<Op> = {}) => ({ kind, device, ...rest });
const CONFLICT = [on(0, "write", { path: "a", size: 1 }), on(1, "write", { path: "a", size: 1 }), SYNC];

describe("what a person asks of the engine", () => {
  it("is no lost update and no resurrection when an older revision becomes the newest", async () => {
    const edit = on(0, "write", { path: "a", size: 1 });
    const { story } = await lived([edit, SYNC, edit, SYNC, on(1, "restore-revision", { path: "a", count: 0 })]);
    expect(story).toContain("restore a as of revision 1");
  });

  it("brings the newest thing back from the trash", async () => {
    const { story, paths } = await lived([
      on(0, "write", { path: "a", size: 1 }),
      SYNC,
      on(0, "delete", { path: "a" }),
      SYNC,
      on(1, "trash-restore"),
    ]);
    expect(story).toContain("bring a back from the trash");
    expect(paths).toEqual([["a"], ["a"]]);
  });

  it.each([0, 1, 2])("settles a conflict, in each way that there is (%i)", async (count) => {
    const { story } = await lived([...CONFLICT, on(0, "resolve", { count })]);
    expect(story).toContain(`: ${["mine", "theirs", "both"][count]}`);
  });

  it.each([0, 1])("is not needed to settle a conflict in the folder (%i)", async (count) => {
    const { paths } = await lived([...CONFLICT, on(0, "settle-copy", { path: "kept", count })]);
    expect(paths[0]).toEqual(count === 0 ? ["a"] : ["a", "kept"]);
  });

  it("lets files go and come on a device that is linked so", async () => {
    const [write, free, get] = [on(0, "write", { path: "a", size: 1 }), on(1, "free", { path: "a" }), on(1, "get", { path: "a" })];
    const asked = { onDemandAboveBytes: 0 };
    expect((await lived([write, SYNC], asked)).paths).toEqual([["a"], []]);
    expect((await lived([write, SYNC, get], asked)).paths).toEqual([["a"], ["a"]]);
    expect((await lived([write, SYNC, get, free], asked)).paths).toEqual([["a"], []]);
  });
});

describe("what a device is to hold", () => {
  it("is not missing where it was not chosen", async () => {
    const { paths } = await lived([on(0, "write", { path: "a/b", size: 1 }), on(0, "write", { path: "c", size: 1 }), SYNC], { only: ["a"] });
    expect(paths).toEqual([
      ["a", "a/b", "c"],
      ["a", "a/b"],
    ]);
  });

  it("is what the ignore rules leave, and what they keep apart stays where it is", async () => {
    const { paths } = await lived([on(0, "change-rules", { path: "a", count: 0 }), SYNC, on(1, "write", { path: "a", size: 1 }), SYNC]);
    expect(paths).toEqual([[".twinfoldignore"], [".twinfoldignore", "a"]]);
  });
});

describe("two of one", () => {
  it("devices with one replica id end well", async () => {
    const { story } = await lived([
      ...CONFLICT,
      on(1, "clone-device"),
      on(0, "write", { path: "b", size: 1 }),
      on(1, "write", { path: "c", size: 1 }),
    ]);
    expect(story).toContain("becomes a copy of laptop");
  });

  it("processes for one folder are one too many", async () => {
    const { story } = await lived([on(0, "second-process")]);
    expect(story).toContain("a second process is refused");
  });
});

describe("the brake in a world of many files", () => {
  it("holds the removal of a large directory, and not its renaming", async () => {
    const many = { initialFiles: 90 };
    const moved = await lived([on(0, "move", { path: "b", to: "moved" }), on(0, "sync")], {}, many);
    expect(moved.story).not.toContain("wait for a yes");
    const deleted = await lived([on(0, "delete", { path: "b" }), on(0, "sync")], {}, many);
    expect(deleted.story).toContain("30 removals wait for a yes");
  });
});
