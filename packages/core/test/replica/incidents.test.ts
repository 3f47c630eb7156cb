import {
  createMemoryReplicaStore,
  createReplica,
  type LocalTree,
  type MemoryLocalTree,
  type Replica,
  type ReplicaBatch,
  type ReplicaStore,
  type Transport,
  type WorkspaceId,
} from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, texts, type Twins, type TwinsOptions } from "./twins.js";

/* What has gone wrong in other products: docs/explanation/incidents.md says which test of this file answers which report. */

async function pair(options?: TwinsOptions) {
  const twins = await createTwins(["laptop", "phone"], options);
  const [laptop, phone] = twins.devices as [Device, Device];
  return { twins, laptop, phone };
}

function contents(device: Device): string[] {
  return Object.values(texts(device.tree)).sort();
}

/** Remembers every write, so that a copy can be made of what the store held after any number of them. */
function recorded(store: ReplicaStore): { readonly store: ReplicaStore; readonly writes: number; copy(count: number): Promise<ReplicaStore> } {
  const written: Array<readonly [WorkspaceId, ReplicaBatch]> = [];
  return {
    store: {
      ...store,
      async write(workspaceId, batch) {
        await store.write(workspaceId, batch);
        written.push([workspaceId, batch]);
      },
    },
    get writes() {
      return written.length;
    },
    async copy(count) {
      const copy = createMemoryReplicaStore();
      for (const [workspaceId, batch] of written.slice(0, count)) await copy.write(workspaceId, batch);
      return copy;
    },
  };
}

/** Another process of a device, on the rows that it is given. */
async function startOn({ workspaceId, env }: Twins, { name, tree, transport }: Device, store: ReplicaStore, other: Partial<Device> = {}) {
  return await createReplica({ workspaceId, env, tree: other.tree ?? tree, store, transport, deviceName: other.name ?? name });
}

/** Calls `before` ahead of each call of the tree that changes something. */
function watched(tree: MemoryLocalTree, before: () => void): LocalTree {
  const ahead =
    <Args extends unknown[], Result>(method: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      before();
      return await method(...args);
    };
  return {
    ...tree,
    stage: async (key) => {
      const staging = await tree.stage(key);
      return Object.assign(Object.create(staging) as typeof staging, { append: ahead(staging.append), place: ahead(staging.place) });
    },
    makeDirectory: ahead(tree.makeDirectory),
    makeSymlink: ahead(tree.makeSymlink),
    move: ahead(tree.move),
    setAttributes: ahead(tree.setAttributes),
    remove: ahead(tree.remove),
  };
}

describe("a server that was put back, made anew, or lost its journal", () => {
  it("inc-03 inc-04 costs no device a byte, however many commits its data went back and whoever comes first", async () => {
    for (const back of [0, 1, 3, 6]) {
      for (const first of [0, 1]) {
        const { twins, laptop, phone } = await pair({ seed: back + 1 });
        const backups = [twins.backUpHub()];
        for (let commit = 1; commit <= 6; commit++) {
          const writer = commit % 2 === 0 ? laptop : phone;
          writer.tree.write(`dir ${commit % 3}/${commit}.txt`, `written ${commit}`);
          if (commit === 5) laptop.tree.rename("dir 1/1.txt", "one.txt");
          await twins.settle();
          backups.push(twins.backUpHub());
        }
        laptop.tree.write("dir 0/3.txt", "edited before the loss, not sent");
        twins.restoreHub(backups[6 - back] as (typeof backups)[number]);
        const reports = [await twins.devices[first]?.sync(), await twins.devices[1 - first]?.sync()];
        for (const report of reports) expect(report?.filesDeleted, `${back} commits back`).toBe(0);
        await twins.settle();
        const kept = ["edited before the loss, not sent", ...[1, 2, 4, 5, 6].map((commit) => `written ${commit}`)];
        for (const device of twins.devices) for (const text of kept) expect(contents(device), `${back} commits back`).toContain(text);
      }
    }
  });

  it("inc-04 is noticed also when the cursor is ahead of all that it has, and the file that it lacks goes up again", async () => {
    const { twins, laptop, phone } = await pair();
    const backup = twins.backUpHub();
    for (let commit = 0; commit < 5; commit++) {
      laptop.tree.write(`${commit}.txt`, `written ${commit}`);
      await twins.settle();
    }
    twins.restoreHub(backup);
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesUploaded: 5, filesDeleted: 0, conflicts: 0 });
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDeleted: 0, conflicts: 0 });
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });
});

describe("a person who writes while the engine works", () => {
  it("inc-10 inc-11 keeps every byte, whichever step of the engine it falls before", async () => {
    const incoming = { "new.txt": "from the laptop", "edited.txt": "edited on the laptop", "dir/inner.txt": "inside" };
    for (const path of [...Object.keys(incoming), "removed.txt", "moved.txt"]) {
      for (let at = 1, steps = at; steps >= at; at++) {
        steps = Number.NEGATIVE_INFINITY;
        const { twins, laptop, phone } = await pair({
          wrapTree: (tree, device) => (device !== "phone" ? tree : watched(tree, () => ++steps === at && tree.write(path, "by hand"))),
        });
        for (const name of ["edited.txt", "removed.txt", "moved.txt"]) laptop.tree.write(name, `${name} at first`);
        await twins.settle();
        for (const [name, text] of Object.entries(incoming)) laptop.tree.write(name, text);
        laptop.tree.rm("removed.txt");
        laptop.tree.rename("moved.txt", "dir/moved.txt");
        await laptop.sync();
        steps = 0;
        await phone.sync();
        const reached = steps;
        await twins.settle();
        steps = reached;

        if (steps >= at) expect(contents(laptop), `${path} before step ${at}`).toContain("by hand");
        for (const [name, text] of Object.entries(incoming)) {
          if (name !== path || steps < at) expect(contents(laptop), `${path} before step ${at}`).toContain(text);
        }
        expect(texts(phone.tree)).toEqual(texts(laptop.tree));
      }
    }
  });
});

describe("a name that is removed and given to another file", () => {
  it("inc-12 ends with the file that was moved there, whatever devices saw of it in between", async () => {
    // Each bit: whether that device syncs after that step.
    for (const isEdited of [false, true]) {
      for (let syncs = 0; syncs < 2 ** (isEdited ? 6 : 4); syncs++) {
        const { twins, laptop, phone } = await pair();
        laptop.tree.write("foo", "foo");
        laptop.tree.write("bar", "bar");
        await twins.settle();
        let bit = 0;
        const seen = async () => {
          for (const device of [laptop, phone]) if (syncs & (1 << bit++)) await device.sync();
        };
        laptop.tree.rm("foo");
        await seen();
        laptop.tree.rename("bar", "foo");
        await seen();
        if (isEdited) laptop.tree.write("foo", "edited");
        await seen();
        await twins.settle();
        const expected = { foo: isEdited ? "edited" : "bar" };
        for (const device of twins.devices) expect(texts(device.tree), `syncs ${syncs.toString(2)}`).toEqual(expected);
      }
    }
  });
});

describe("a repair", () => {
  it("inc-20 brings nothing back that somebody deleted", async () => {
    const { twins, laptop, phone } = await pair();
    for (const name of ["kept", "deleted here", "deleted there"]) laptop.tree.write(name, name);
    await twins.settle();
    laptop.tree.rm("deleted here");
    phone.tree.rm("deleted there");
    await twins.settle();
    for (const device of twins.devices) await device.replica.check({ repair: true, deep: true });
    await twins.settle();
    for (const device of twins.devices) expect(texts(device.tree)).toEqual({ kept: "kept" });
  });
});

describe("a device that lost its metadata", () => {
  it("inc-22 deletes nothing and keeps every byte, at whichever write the loss fell", async () => {
    for (let at = 0, died = true; died; at++) {
      died = false;
      const { twins, laptop, phone } = await pair();
      laptop.tree.write("both.txt", "on both");
      laptop.tree.write("edited.txt", "before");
      await twins.settle();
      const copy = recorded(createMemoryReplicaStore());
      const again = await startOn(twins, phone, copy.store);
      await again.sync();
      phone.tree.write("edited.txt", "edited on the phone, not sent");
      phone.tree.write("new.txt", "new on the phone, not sent");
      laptop.tree.write("from the laptop.txt", "from the laptop");
      await laptop.sync();
      let left = at;
      const dying: ReplicaStore = {
        ...copy.store,
        write: async (...args) => {
          died ||= left-- === 0;
          if (died) throw new Error("the process dies");
          await copy.store.write(...args);
        },
      };
      await (await startOn(twins, phone, dying)).sync().catch(() => {});
      phone.replica = await startOn(twins, phone, createMemoryReplicaStore());
      expect(await phone.sync(), `lost at write ${at}`).toMatchObject({ filesDeleted: 0 });
      await twins.settle();
      for (const text of ["on both", "edited on the phone, not sent", "new on the phone, not sent", "from the laptop"]) {
        for (const device of twins.devices) expect(contents(device), `lost at write ${at}`).toContain(text);
      }
    }
  });

  it("inc-34 that runs twice from one copy of it loses nothing of what either copy does", async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const { twins, laptop, phone } = await pair();
      laptop.tree.write("a.txt", "base");
      await twins.settle();
      const copy = recorded(createMemoryReplicaStore());
      const original = await startOn(twins, phone, copy.store);
      await original.sync();
      const clone = (await createTwins(["clone"])).devices[0] as Device;
      for (const [path, text] of Object.entries(texts(phone.tree))) clone.tree.write(path, text);
      const cloned = await startOn(twins, phone, await copy.copy(copy.writes), clone);
      phone.tree.write("phone.txt", "from the phone");
      phone.tree.write("a.txt", "edited on the phone");
      clone.tree.write("clone.txt", "from the clone");
      const replicas: readonly Replica[] = [original, cloned];
      for (let round = 0; round < 4; round++) for (const index of order) await replicas[index]?.sync();
      await laptop.sync();
      for (const replica of replicas) await replica.sync();
      expect(contents(laptop)).toEqual(["edited on the phone", "from the clone", "from the phone"]);
      expect(texts(phone.tree)).toEqual(texts(laptop.tree));
      expect(texts(clone.tree)).toEqual(texts(laptop.tree));
    }
  });
});

describe("clocks that are wrong", () => {
  it("inc-23 decide nothing: an edit stands over what it was made from, and an empty note of tomorrow loses no older text", async () => {
    const YEARS_MS = 10 * 365 * 24 * 60 * 60 * 1_000;
    for (const skewMs of [-YEARS_MS, YEARS_MS]) {
      const { twins, laptop, phone } = await pair({ skewMs: { phone: skewMs } });
      laptop.tree.write("note.txt", "first");
      await twins.settle();
      phone.tree.write("note.txt", "second, on the phone");
      await twins.settle();
      laptop.tree.write("note.txt", "third, on the laptop");
      phone.tree.write("daily.txt", "");
      laptop.tree.write("daily.txt", "what was written in the morning");
      await twins.settle();
      for (const device of twins.devices) {
        expect(texts(device.tree)["note.txt"], `phone ${skewMs} ms off`).toBe("third, on the laptop");
        expect(contents(device)).toEqual(["", "third, on the laptop", "what was written in the morning"]);
      }
    }
  });
});

describe("a watcher that says nothing", () => {
  it("inc-30 is made up for by the rescan: what changed without a hint arrives", async () => {
    const { twins, laptop, phone } = await pair({ wrapTree: (tree) => ({ ...tree, watch: async () => async () => {} }) });
    const stop = new AbortController();
    laptop.replica.on("sync:finished", () => {
      if (laptop.tree.files().has("late.txt")) return stop.abort();
      laptop.tree.write("late.txt", "written while nobody told");
    });
    await laptop.replica.follow({ signal: stop.signal });
    await phone.sync();
    expect(texts(phone.tree)).toEqual({ "late.txt": "written while nobody told" });
    expect(twins.devices).toHaveLength(2);
  });
});

describe("an answer that is cut short", () => {
  it("inc-05 makes no plan: with every list of the server emptied or halved, nothing is removed on either side", async () => {
    const cuts: ReadonlyArray<<T>(list: readonly T[]) => readonly T[]> = [() => [], (list) => list.slice(0, Math.floor(list.length / 2))];
    for (const cut of cuts) {
      let isCut = false;
      const { twins, laptop, phone } = await pair({
        wrapTransport: (transport): Transport => ({
          ...transport,
          changes: async (...args) => {
            const answer = await transport.changes(...args);
            return isCut
              ? { ...answer, workspaces: answer.workspaces.map((each) => (each.kind === "rows" ? { ...each, rows: cut(each.rows) } : each)) }
              : answer;
          },
          heads: async (...args) => {
            const page = await transport.heads(...args);
            return isCut ? { ...page, heads: cut(page.heads) } : page;
          },
        }),
      });
      for (const name of ["a", "b", "c", "d"]) laptop.tree.write(`${name}.txt`, name);
      await twins.settle();
      isCut = true;
      const anew = await startOn(twins, phone, createMemoryReplicaStore());
      await anew.sync();
      await laptop.sync();
      await phone.sync();
      for (const device of twins.devices)
        expect(Object.keys(texts(device.tree))).toEqual(expect.arrayContaining(["a.txt", "b.txt", "c.txt", "d.txt"]));
    }
  });
});
