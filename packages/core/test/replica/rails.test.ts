import { type LocalPath, type LocalTree, TwinfoldError } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, texts, type Twins } from "./twins.js";

const DAY_MS = 24 * 60 * 60 * 1_000;

async function pair(): Promise<{ readonly twins: Twins; readonly laptop: Device; readonly phone: Device }> {
  const twins = await createTwins(["laptop", "phone"]);
  const [laptop, phone] = twins.devices as [Device, Device];
  return { twins, laptop, phone };
}

/** Runs `act` before the call of that number, counted from 0, of any method that looks at the disk. Says whether it came to that. */
function beforeCall(tree: LocalTree, number: number, act: () => void): { readonly happened: () => boolean; readonly undo: () => void } {
  const names = ["check", "list", "stat", "readLink"] as const;
  const originals = names.map((name) => tree[name]);
  let calls = 0;
  for (const name of names) {
    const original = tree[name] as (...args: unknown[]) => Promise<unknown>;
    Object.assign(tree, {
      [name]: async (...args: unknown[]) => {
        if (calls++ === number) act();
        return await original.apply(tree, args);
      },
    });
  }
  return {
    happened: () => calls > number,
    undo: () => void Object.assign(tree, Object.fromEntries(names.map((name, index) => [name, originals[index]]))),
  };
}

describe("a root that is not there", () => {
  it.each(["missing", "unreadable", "foreign"] as const)(
    "%s from whichever look at the disk on stops the pass with an error, and no removal is sent",
    async (state) => {
      for (let at = 0, happened = true; happened; at++) {
        const { twins, laptop, phone } = await pair();
        for (const path of ["a.txt", "dir/b.txt", "dir/deep/c.txt"]) laptop.tree.write(path, path);
        laptop.tree.symlink("link", "a.txt");
        await twins.settle();
        const before = texts(phone.tree);
        laptop.tree.write("dir/b.txt", "edited");
        const call = beforeCall(laptop.tree, at, () => laptop.tree.setRoot(state));
        const outcome = await laptop.sync().then(
          () => "done",
          (error: unknown) => (error as TwinfoldError).code,
        );
        happened = call.happened();
        if (happened) expect(outcome).toBe(`ERR_ROOT_${state.toUpperCase()}`);
        call.undo();
        expect(await phone.sync()).toMatchObject({ filesDeleted: 0 });
        laptop.tree.setRoot("present");
        await twins.settle();
        expect(texts(phone.tree)).toEqual({ ...before, "dir/b.txt": "edited" });
        expect(texts(laptop.tree)).toEqual(texts(phone.tree));
      }
    },
  );

  it("of which one directory cannot be read in the middle of the scan loses nothing of what is in it", async () => {
    for (const code of ["ERR_LOCAL_FAILED", "ERR_PERMISSION_DENIED", "ERR_LOCAL_CHANGED"] as const) {
      const { twins, laptop, phone } = await pair();
      for (const path of ["a.txt", "dir/b.txt", "dir/deep/c.txt"]) laptop.tree.write(path, path);
      await twins.settle();
      const list = laptop.tree.list.bind(laptop.tree);
      laptop.tree.list = async (path) => {
        if (path === "dir") throw new TwinfoldError(code, "the disk failed in the middle of the listing of dir");
        return await list(path);
      };
      expect(await laptop.sync()).toMatchObject({ filesDeleted: 0 });
      expect(await phone.sync()).toMatchObject({ filesDeleted: 0 });
      laptop.tree.list = async () => {
        throw new TwinfoldError(code, "the disk failed in the middle of the listing of the root");
      };
      await expect(laptop.sync()).rejects.toMatchObject({ code });
      expect(Object.keys(texts(phone.tree))).toHaveLength(3);
    }
  });

  it("that is empty after it was full stops with an error until its content is back, or somebody says yes", async () => {
    const { twins, laptop, phone } = await pair();
    for (let at = 0; at < 12; at++) laptop.tree.write(`${at}.txt`, `${at}`);
    await twins.settle();
    const files = texts(laptop.tree);
    for (const path of Object.keys(files)) laptop.tree.rm(path);
    for (let attempt = 0; attempt < 2; attempt++) await expect(laptop.sync()).rejects.toMatchObject({ code: "ERR_ROOT_EMPTIED" });
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDeleted: 0 });
    for (const [path, text] of Object.entries(files)) laptop.tree.write(path, text);
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesDeleted: 0 });
    for (const path of Object.keys(files)) laptop.tree.rm(path);
    expect(await laptop.replica.sync({ confirm: true })).toMatchObject({ inSync: true, filesDeleted: 12 });
    await twins.settle();
    expect(texts(phone.tree)).toEqual({});
  });

  it("that is empty after it held little is believed, however much it held long ago", async () => {
    const { twins, laptop, phone } = await pair();
    for (let at = 0; at < 20; at++) laptop.tree.write(`old/${at}.txt`, `${at}`);
    laptop.tree.write("last.txt", "last");
    await twins.settle();
    laptop.tree.rm("old");
    await twins.settle();
    laptop.tree.rm("last.txt");
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesDeleted: 1 });
    await twins.settle();
    expect(texts(phone.tree)).toEqual({});
  });

  it("is waited for by a replica that follows, which goes on by itself when the root is back", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("a.txt", "a");
    await twins.settle();
    const stop = new AbortController();
    const codes: string[] = [];
    const lost = new Promise<void>((resolve) => {
      laptop.replica.on("sync:postponed", ({ code }) => {
        codes.push(code);
        resolve();
      });
    });
    const arrived = new Promise<LocalPath>((resolve) => laptop.replica.on("file:downloaded", ({ path }) => resolve(path)));
    laptop.tree.setRoot("missing");
    const following = laptop.replica.follow({ signal: stop.signal });
    await lost;
    expect((await laptop.replica.status()).problem).toContain("gone");
    phone.tree.write("b.txt", "b");
    await phone.sync();
    laptop.tree.setRoot("present");
    expect(await arrived).toBe("b.txt");
    stop.abort();
    await following;
    expect(new Set(codes)).toEqual(new Set(["ERR_ROOT_MISSING"]));
    expect(texts(laptop.tree)).toEqual({ "a.txt": "a", "b.txt": "b" });
  });
});

describe("the brake", () => {
  it("holds back with a removal what is to have its name, and what is in that", async () => {
    const { laptop, phone } = await pair();
    for (let at = 0; at < 40; at++) laptop.tree.write(`${at}.txt`, `${at}`);
    await laptop.sync();
    await phone.sync();
    for (let at = 0; at < 30; at++) {
      laptop.tree.rm(`${at}.txt`);
      laptop.tree.write(`${at}.txt/below/inner`, `${at} and more`);
    }
    laptop.tree.write("other.txt", "other");
    expect(await laptop.sync()).toMatchObject({ inSync: false, skipped: [], awaitingConfirmation: { removals: 30 }, filesUploaded: 1 });
    expect(await laptop.replica.sync({ confirm: true })).toMatchObject({ inSync: true, skipped: [] });
    await phone.replica.sync({ confirm: true });
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("lets go of what was put back while it waited for a yes: the same files, which sync as before", async () => {
    const { laptop, phone } = await pair();
    for (let at = 0; at < 40; at++) laptop.tree.write(`${at}.txt`, `${at}`);
    await laptop.sync();
    await phone.sync();
    for (let at = 0; at < 30; at++) laptop.tree.rm(`${at}.txt`);
    expect((await laptop.sync()).awaitingConfirmation).toEqual({ removals: 30 });
    for (let at = 0; at < 30; at++) laptop.tree.write(`${at}.txt`, at === 7 ? "edited" : `${at}`);
    expect(await laptop.sync()).toMatchObject({ inSync: true, skipped: [], awaitingConfirmation: null, filesUploaded: 1 });
    await phone.sync();
    expect(texts(phone.tree)["7.txt"]).toBe("edited");
    expect(await phone.replica.revisions("7.txt" as LocalPath)).toHaveLength(2);
  });

  it("counts a removal once, however often the server cannot be reached", async () => {
    let isDown = false;
    const twins = await createTwins(["laptop", "phone"], {
      wrapTransport: (transport) => ({
        ...transport,
        commit: (request, options) =>
          isDown ? Promise.reject(new TwinfoldError("ERR_UNREACHABLE", "the network is down")) : transport.commit(request, options),
      }),
    });
    const [laptop, phone] = twins.devices as [Device, Device];
    for (let at = 0; at < 40; at++) laptop.tree.write(`${at}.txt`, `${at}`);
    await twins.settle();
    for (let at = 0; at < 4; at++) laptop.tree.rm(`${at}.txt`);
    isDown = true;
    for (let attempt = 0; attempt < 10; attempt++) await laptop.sync().catch(() => {});
    isDown = false;
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesDeleted: 4, awaitingConfirmation: null });
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDeleted: 4 });
  });

  it("allows a share of what is there, and of nothing that was deleted long ago", async () => {
    const { twins, laptop, phone } = await pair();
    for (let at = 0; at < 400; at++) laptop.tree.write(`old/${at}.txt`, `${at}`);
    for (let at = 0; at < 41; at++) laptop.tree.write(`new/${at}.txt`, `new ${at}`);
    await twins.settle();
    laptop.tree.rm("old");
    await laptop.replica.sync({ confirm: true });
    await phone.replica.sync({ confirm: true });
    for (let at = 0; at < 40; at++) laptop.tree.rm(`new/${at}.txt`);
    expect(await laptop.sync()).toMatchObject({ inSync: false, filesDeleted: 0, awaitingConfirmation: { removals: 40 } });
    expect(Object.keys(texts(phone.tree))).toHaveLength(41);
  });

  it("counts files that became empty as removed, on both sides, and neither renames nor files that are new and empty", async () => {
    const { twins, laptop, phone } = await pair();
    for (let at = 0; at < 40; at++) laptop.tree.write(`old/${at}.txt`, `${at}`);
    await twins.settle();
    for (let at = 0; at < 40; at++) laptop.tree.write(`old/${at}.txt`, "");
    for (let at = 0; at < 40; at++) laptop.tree.write(`new/${at}.txt`, "");
    expect(await laptop.sync()).toMatchObject({ inSync: false, filesUploaded: 40, awaitingConfirmation: { removals: 40 } });
    expect(await laptop.replica.sync({ confirm: true })).toMatchObject({ inSync: true, filesUploaded: 40 });
    expect(await phone.sync()).toMatchObject({ inSync: false, filesDownloaded: 40, awaitingConfirmation: { removals: 40 } });
    expect(await phone.replica.sync({ confirm: true })).toMatchObject({ inSync: true, filesDownloaded: 40 });
    for (let at = 0; at < 40; at++) laptop.tree.rename(`old/${at}.txt`, `renamed/${at}.txt`);
    expect(await laptop.sync()).toMatchObject({ inSync: true, moved: 40, awaitingConfirmation: null });
    expect(await phone.sync()).toMatchObject({ inSync: true, moved: 40, awaitingConfirmation: null });
  });

  it("counts what would be replaced after a reset, until somebody says yes, and nothing of the kind once in step again", async () => {
    let forgets = false;
    const twins = await createTwins(["laptop", "phone"], {
      wrapTransport: (transport, device) => ({
        ...transport,
        changes: (request, options) => {
          const workspaces = request.workspaces.map(({ cursor, ...query }) => (forgets && device === "phone" ? query : { ...query, cursor }));
          forgets &&= device !== "phone";
          return transport.changes({ ...request, workspaces }, options);
        },
      }),
    });
    const [laptop, phone] = twins.devices as [Device, Device];
    const write = (text: string): void => {
      for (let at = 0; at < 40; at++) laptop.tree.write(`${at}.txt`, `${text} ${at}`);
    };
    write("first");
    await twins.settle();
    write("second");
    laptop.tree.write("new.txt", "new");
    await laptop.sync();
    forgets = true;
    for (const restarts of [false, true]) {
      if (restarts) await phone.restart();
      expect(await phone.sync()).toMatchObject({ inSync: false, awaitingConfirmation: { removals: 40 } });
      expect(texts(phone.tree)).toMatchObject({ "0.txt": "first 0", "39.txt": "first 39", "new.txt": "new" });
    }
    expect(await phone.replica.sync({ confirm: true })).toMatchObject({ inSync: true, filesDownloaded: 40 });
    forgets = true;
    expect(await phone.sync()).toMatchObject({ inSync: true });
    write("third");
    await laptop.sync();
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDownloaded: 40, awaitingConfirmation: null });
  });

  it("holds nothing back when a hub was put back to older contents: what is here is newer, and replaces them", async () => {
    const { twins, laptop, phone } = await pair();
    for (let at = 0; at < 40; at++) laptop.tree.write(`${at}.txt`, `first ${at}`);
    await twins.settle();
    const backup = twins.backUpHub();
    for (let at = 0; at < 40; at++) laptop.tree.write(`${at}.txt`, `second ${at}`);
    await twins.settle();
    const newest = texts(phone.tree);
    twins.restoreHub(backup);
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesUploaded: 40, filesDownloaded: 0, awaitingConfirmation: null });
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDownloaded: 0, conflicts: 0, awaitingConfirmation: null });
    expect(texts(laptop.tree)).toEqual(newest);
    expect(texts(phone.tree)).toEqual(newest);
  });

  it("shows in a plan what waits, and changes nothing by it", async () => {
    const { twins, laptop, phone } = await pair();
    for (let at = 0; at < 40; at++) laptop.tree.write(`old/${at}.txt`, `${at}`);
    laptop.tree.write("left.txt", "left");
    await twins.settle();
    laptop.tree.rm("old");
    const { steps } = await laptop.replica.plan();
    expect(steps.filter(({ action }) => action === "delete-remote")).toHaveLength(41);
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDeleted: 0 });
  });
});

describe("a device that was away for 400 days", () => {
  it("brings back nothing that was deleted meanwhile, keeps what it made and changed, and takes what is new", async () => {
    const twins = await createTwins(["laptop", "phone", "desk"]);
    const [laptop, phone, desk] = twins.devices as [Device, Device, Device];
    for (const name of ["kept", "deleted", "edited there", "edited here", "deleted there, edited here"]) laptop.tree.write(`${name}.txt`, name);
    await twins.settle();
    await twins.env.sleep(200 * DAY_MS);
    laptop.tree.rm("deleted.txt");
    laptop.tree.rm("deleted there, edited here.txt");
    laptop.tree.write("edited there.txt", "there");
    laptop.tree.write("new.txt", "new");
    await laptop.sync();
    await phone.sync();
    await twins.env.sleep(200 * DAY_MS);
    desk.tree.write("edited here.txt", "here");
    desk.tree.write("deleted there, edited here.txt", "still wanted");
    desk.tree.write("made here.txt", "made");
    await desk.restart();
    await twins.settle();
    for (const { tree } of twins.devices) {
      expect(texts(tree)).toEqual({
        "kept.txt": "kept",
        "edited there.txt": "there",
        "edited here.txt": "here",
        "deleted there, edited here.txt": "still wanted",
        "new.txt": "new",
        "made here.txt": "made",
      });
    }
  });
});

describe("a folder that is marked as the linked one and is another", () => {
  it.each([3, 60])("and empty, of %i files, gets everything back, and takes nothing from others", async (count) => {
    const { twins, laptop, phone } = await pair();
    for (let at = 0; at < count; at++) laptop.tree.write(`dir/${at}.txt`, `${at}`);
    await twins.settle();
    const before = texts(phone.tree);
    laptop.tree.rm("dir/0.txt");
    laptop.tree.replaceRoot();
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesDownloaded: count, filesDeleted: 0, conflicts: 0 });
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDeleted: 0 });
    expect(texts(phone.tree)).toEqual(before);
    expect(texts(laptop.tree)).toEqual(before);
    laptop.tree.rm("dir/1.txt");
    await laptop.restart();
    await twins.settle();
    expect(Object.keys(texts(phone.tree))).toHaveLength(count - 1);
  });

  it("and was put back from a backup transfers nothing that is equal, keeps both of what differs, and deletes what the hub deleted", async () => {
    const { twins, laptop, phone } = await pair();
    const names = ["same", "older", "edited there", "deleted there", "lost"];
    for (const name of names) laptop.tree.write(`${name}.txt`, name);
    laptop.tree.write("other.txt", "same");
    await twins.settle();
    laptop.tree.write("older.txt", "newer");
    await twins.settle();
    phone.tree.write("edited there.txt", "there");
    phone.tree.rm("deleted there.txt");
    await phone.sync();
    laptop.tree.replaceRoot();
    // In another order, so that its inodes are those of other files.
    for (const name of ["deleted there", "edited there", "older", "same"]) laptop.tree.write(`${name}.txt`, name);
    laptop.tree.write("other.txt", "same");
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesDownloaded: 3, filesUploaded: 1, filesDeleted: 1, moved: 0, conflicts: 1 });
    await twins.settle();
    const files = texts(phone.tree);
    expect(texts(laptop.tree)).toEqual(files);
    expect(files).toMatchObject({ "same.txt": "same", "other.txt": "same", "older.txt": "newer", "edited there.txt": "there", "lost.txt": "lost" });
    expect(Object.values(files).sort()).toEqual(["lost", "newer", "older", "same", "same", "there"]);
  });
});
