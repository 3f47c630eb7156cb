import { expect, describe, it } from "vitest";
import type { SimDevice } from "../../src/simulator/sim-device.js";
import { createWorld, type World } from "../../src/simulator/world.js";
import { DEFAULT_SWARM, type DeviceSpec, type Op, type WorldPlan } from "../../src/simulator/world-plan.js";

const ORDINARY: DeviceSpec = { name: "laptop", mode: "passes", skewMs: 0, drift: 0, timeGranularityMs: 0 };

function planWith(second: Partial<DeviceSpec>, ops: ReadonlyArray<Omit<Op, "waitMs">>): WorldPlan {
  const devices = [ORDINARY, { ...ORDINARY, name: "phone", ...second }];
  return { v: 1, seed: 1, swarm: DEFAULT_SWARM, devices, ops: ops.map((op) => ({ ...op, waitMs: 10 })), faults: [] };
}

async function lived(plan: WorldPlan): Promise<{ readonly world: World; readonly phone: SimDevice }> {
  const world = createWorld(plan);
  const { violations } = await world.run();
  expect(violations).toEqual([]);
  return { world, phone: world.devices[1] as SimDevice };
}

describe("a device whose disk folds names", () => {
  it("shows twins that differ in case under an alias, which the oracles take for the node's own name", async () => {
    const { world, phone } = await lived(
      planWith({ foldsCase: true }, [
        { kind: "write", device: 0, path: "notes/a", size: 3 },
        { kind: "write", device: 0, path: "Notes/A", size: 3 },
      ]),
    );
    const shown = [...phone.folder.entries().keys()];
    expect(shown).toHaveLength(4);
    expect(shown.filter((path) => /^notes \(alias [0-9a-f]{8}\)/i.test(path))).toHaveLength(2);
    expect(world.devices[0]?.folder.entries().size).toBe(4);
  });

  it("has a person who finds a file under every spelling of its name", async () => {
    const { world, phone } = await lived(
      planWith({ foldsCase: true }, [
        { kind: "write", device: 1, path: "a", size: 3 },
        { kind: "write", device: 1, path: "A", size: 3 },
      ]),
    );
    expect([...phone.folder.entries().keys()]).toEqual(["a"]);
    expect(world.ledger.payloads.map(({ supersededBy }) => supersededBy.size)).toEqual([1, 0]);
  });

  it("has a person who renames a file to another spelling", async () => {
    const { world } = await lived(
      planWith({ foldsCase: true }, [
        { kind: "write", device: 1, path: "a", size: 3 },
        { kind: "sync-all", device: 0 },
        { kind: "move", device: 1, path: "a", to: "A" },
      ]),
    );
    expect(world.devices.map(({ folder }) => [...folder.entries().keys()])).toEqual([["A"], ["A"]]);
  });

  it("shows names in form D where its disk lists them so, and the hub has form C", async () => {
    const { world, phone } = await lived(planWith({ listsDecomposed: true }, [{ kind: "write", device: 1, path: "é/é", size: 3 }]));
    expect([...phone.folder.entries().keys()]).toEqual(["é".normalize("NFD"), "é/é".normalize("NFD")]);
    expect([...(world.devices[0]?.folder.entries().keys() ?? [])]).toEqual(["é", "é/é"]);
  });
});
