import { describe, expect, it } from "vitest";
import { type LocalPath, TwinfoldError } from "@twinfold/core";
import { createTwins, type Device, texts } from "./twins.js";

async function pair(options?: Parameters<typeof createTwins>[1]) {
  const twins = await createTwins(["laptop", "phone"], options);
  const [laptop, phone] = twins.devices as [Device, Device];
  return { twins, laptop, phone };
}

describe("a replica", () => {
  it("brings files, empty directories, exec bits and symlinks to the other device", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("dir/file.txt", "text");
    laptop.tree.write("run.sh", "#!/bin/sh", { executable: true });
    laptop.tree.write("empty.txt", "");
    laptop.tree.mkdir("hollow");
    laptop.tree.symlink("link", "dir/file.txt");
    await twins.settle();
    expect([...phone.tree.files()].map(([path, entry]) => [path, entry.kind])).toEqual(
      [...laptop.tree.files()].map(([path, entry]) => [path, entry.kind]),
    );
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
    expect(phone.tree.files().get("run.sh")).toMatchObject({ executable: true });
  });

  it("keeps both files when the same file was changed on two devices while apart", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("notes.txt", "common");
    await twins.settle();
    laptop.tree.write("notes.txt", "from the laptop");
    phone.tree.write("notes.txt", "from the phone");
    await laptop.sync();
    const report = await phone.sync();
    await twins.settle();
    expect(report.conflicts).toBe(1);
    expect(texts(phone.tree)).toEqual({ "notes.txt": "from the laptop", "notes (conflict, phone, 2026-01-01).txt": "from the phone" });
    expect(texts(laptop.tree)).toEqual(texts(phone.tree));
    expect(await phone.replica.conflicts()).toMatchObject([{ path: "notes.txt", copy: "notes (conflict, phone, 2026-01-01).txt" }]);
  });

  it("lets a rename here and an edit there both stand, without a conflict", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("draft.txt", "one");
    await twins.settle();
    laptop.tree.rename("draft.txt", "final.txt");
    phone.tree.write("draft.txt", "two");
    await twins.settle();
    expect(texts(laptop.tree)).toEqual({ "final.txt": "two" });
    expect(texts(phone.tree)).toEqual({ "final.txt": "two" });
  });

  it("lets an edit beat a delete", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("dir/a.txt", "one");
    await twins.settle();
    laptop.tree.rm("dir");
    phone.tree.write("dir/a.txt", "two");
    await twins.settle();
    expect(texts(laptop.tree)).toEqual({ "dir/a.txt": "two" });
    expect(texts(phone.tree)).toEqual({ "dir/a.txt": "two" });
  });

  it("makes no conflict of the same content on both sides, and sends it once", async () => {
    const { twins, laptop, phone } = await pair();
    for (const { tree } of [laptop, phone]) {
      tree.write("photos/1.jpg", "one");
      tree.write("photos/2.jpg", "two");
    }
    await laptop.sync();
    const report = await phone.sync();
    await twins.settle();
    expect(report).toMatchObject({ conflicts: 0, filesUploaded: 0, filesDownloaded: 0, chunksUploaded: 0, chunksDownloaded: 0 });
    expect(texts(phone.tree)).toEqual({ "photos/1.jpg": "one", "photos/2.jpg": "two" });
  });

  it("moves a directory of any size as one change", async () => {
    const { twins, laptop, phone } = await pair();
    for (let at = 0; at < 300; at++) laptop.tree.write(`old/${at}.txt`, `${at}`);
    await twins.settle();
    laptop.tree.rename("old", "new");
    const there = await laptop.sync();
    const here = await phone.sync();
    expect(there).toMatchObject({ moved: 1, filesUploaded: 0, filesDeleted: 0, chunksUploaded: 0 });
    expect(here).toMatchObject({ moved: 1, filesDownloaded: 0, filesDeleted: 0, chunksDownloaded: 0 });
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("swaps two names", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("a", "A");
    laptop.tree.write("b", "B");
    await twins.settle();
    laptop.tree.rename("a", "c");
    laptop.tree.rename("b", "a");
    laptop.tree.rename("c", "b");
    const report = await laptop.sync();
    await twins.settle();
    expect(report).toMatchObject({ moved: 2, filesUploaded: 0, conflicts: 0 });
    expect(texts(phone.tree)).toEqual({ a: "B", b: "A" });
  });

  it("undoes the later of two moves that would form a cycle", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("a/1.txt", "1");
    laptop.tree.write("b/2.txt", "2");
    await twins.settle();
    laptop.tree.rename("a", "b/a");
    phone.tree.rename("b", "a/b");
    await twins.settle();
    expect(texts(laptop.tree)).toEqual(texts(phone.tree));
    expect(Object.values(texts(laptop.tree)).sort()).toEqual(["1", "2"]);
  });

  it("asks an app's resolver about a conflict, and takes its bytes", async () => {
    const { twins, laptop, phone } = await pair({
      resolve: async ({ mine, theirs }) => {
        const decoder = new TextDecoder();
        return new TextEncoder().encode(`${decoder.decode(await theirs())}+${decoder.decode(await mine())}`);
      },
    });
    laptop.tree.write("list.txt", "base");
    await twins.settle();
    laptop.tree.write("list.txt", "laptop");
    phone.tree.write("list.txt", "phone");
    await twins.settle();
    expect(texts(laptop.tree)).toEqual({ "list.txt": "laptop+phone" });
    expect(texts(phone.tree)).toEqual({ "list.txt": "laptop+phone" });
  });

  it("makes an older revision the newest again", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("essay.txt", "first");
    await twins.settle();
    laptop.tree.write("essay.txt", "second");
    await twins.settle();
    const path = "essay.txt" as LocalPath;
    expect((await phone.replica.revisions(path)).map(({ revision, deviceName }) => [revision, deviceName])).toEqual([
      [2, "laptop"],
      [1, "laptop"],
    ]);
    await phone.replica.restore(path, 1);
    await twins.settle();
    expect(texts(laptop.tree)).toEqual({ "essay.txt": "first" });
    expect((await phone.replica.revisions(path)).map(({ revision }) => revision)).toEqual([3, 2, 1]);
    await expect(phone.replica.restore(path, 9)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    laptop.tree.write("folder/a.txt", "a");
    await twins.settle();
    await expect(phone.replica.revisions("folder" as LocalPath)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });

  it("plans without doing, and says why a file is not in step", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("a.txt", "a");
    await twins.settle();
    phone.tree.write("b.txt", "b");
    phone.tree.rm("a.txt");
    expect((await phone.replica.plan()).steps.map(({ action, path }) => [action, path])).toEqual([
      ["delete-remote", "a.txt"],
      ["upload", "b.txt"],
    ]);
    expect(texts(laptop.tree)).toEqual({ "a.txt": "a" });
    expect(await phone.replica.explain("b.txt" as LocalPath)).toMatchObject({ state: "pending" });
    await twins.settle();
    expect(await phone.replica.explain("b.txt" as LocalPath)).toMatchObject({ state: "in-sync" });
    expect(await phone.replica.explain("" as LocalPath)).toMatchObject({ state: "in-sync" });
    phone.tree.write("c.txt", "not looked at yet");
    expect(await phone.replica.explain("c.txt" as LocalPath)).toMatchObject({
      state: "pending",
      explanation: expect.stringContaining("is new here") as string,
    });
    expect(await laptop.replica.status()).toMatchObject({ pending: 0, oldestUnsyncedMs: undefined });
  });

  it("refuses everything but a look at its state once it was closed", async () => {
    const { laptop } = await pair();
    laptop.tree.write("a.txt", "a");
    await laptop.sync();
    const { replica } = laptop;
    await replica.close();
    const path = "a.txt" as LocalPath;
    const refused: ReadonlyArray<() => Promise<unknown>> = [
      () => replica.sync(),
      () => replica.follow({ signal: new AbortController().signal }),
      () => replica.plan(),
      () => replica.explain(path),
      () => replica.conflicts(),
      () => replica.resolveConflict(path, "mine"),
      () => replica.listTrash(),
      () => replica.restoreFromTrash("1"),
      () => replica.revisions(path),
      () => replica.restore(path, 1),
      () => replica.check(),
      () => replica.get(path),
      () => replica.free(path),
    ];
    for (const call of refused) await expect(call(), call.toString()).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(await replica.status()).toMatchObject({ state: "stopped" });
  });

  it("deletes nothing when the root is missing, and says so", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("a.txt", "a");
    await twins.settle();
    phone.tree.setRoot("missing");
    await expect(phone.sync()).rejects.toMatchObject({ code: "ERR_ROOT_MISSING" });
    await laptop.sync();
    expect(texts(laptop.tree)).toEqual({ "a.txt": "a" });
  });

  it("comes to rest when a file that it was about to send is gone", async () => {
    let isCut = true;
    const { twins, laptop, phone } = await pair({
      wrapTransport: (transport) => ({
        ...transport,
        missing: async (...asked) => {
          if (isCut) throw new TwinfoldError("ERR_UNREACHABLE", "the network is cut");
          return await transport.missing(...asked);
        },
      }),
    });
    laptop.tree.write("a.txt", "a");
    await expect(laptop.sync()).rejects.toMatchObject({ code: "ERR_UNREACHABLE" });
    laptop.tree.rm("a.txt");
    isCut = false;
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesUploaded: 0, skipped: [] });
    await twins.settle();
    expect(texts(phone.tree)).toEqual({});
  });

  it("stops a transfer under way when it is paused, and goes on where it was when it is resumed", async () => {
    let uploads = 0;
    let first: () => void = () => {};
    const firstUpload = new Promise<void>((resolve) => {
      first = resolve;
    });
    const { laptop, phone } = await pair({
      wrapTransport: (transport) => ({
        ...transport,
        upload: async (request, options) => {
          uploads += 1;
          first();
          await laptopPaused;
          options?.signal?.throwIfAborted();
          return await transport.upload(request, options);
        },
      }),
    });
    let paused: () => void = () => {};
    const laptopPaused = new Promise<void>((resolve) => {
      paused = resolve;
    });
    for (let at = 0; at < 20; at++) laptop.tree.write(`${at}.bin`, new Uint8Array(3_000_000).fill(at));
    const stop = new AbortController();
    const finished = new Promise<void>((resolve) => laptop.replica.on("sync:finished", () => resolve()));
    const following = laptop.replica.follow({ signal: stop.signal });
    await firstUpload;
    laptop.replica.pause();
    paused();
    expect(await laptop.replica.status()).toMatchObject({ state: "paused", pending: 20 });
    const whenPaused = uploads;
    laptop.replica.resume();
    await finished;
    expect(uploads).toBeGreaterThan(whenPaused);
    expect(await laptop.replica.status()).toMatchObject({ pending: 0 });
    stop.abort();
    await following;
    await phone.sync();
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("stops within a file that it is reading when it is told to, and has it at the next pass", async () => {
    const [stop, reason] = [new AbortController(), new Error("stop")];
    const ends: unknown[] = [];
    const twins = await createTwins(["laptop", "phone"], {
      wrapTree: (tree) => ({
        ...tree,
        cut(path, expected, options) {
          const cutting = tree.cut(path, expected, options);
          stop.abort(reason);
          cutting.catch((error: unknown) => ends.push(error));
          return cutting;
        },
      }),
    });
    const [laptop, phone] = twins.devices as [Device, Device];
    laptop.tree.write("a.bin", new Uint8Array(3_000_000).fill(1));
    await expect(laptop.replica.sync({ signal: stop.signal })).rejects.toBe(reason);
    expect(ends).toEqual([reason]);
    await laptop.sync();
    await phone.sync();
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("waits for a yes before it removes much, on both sides, and syncs the rest meanwhile", async () => {
    const { twins, laptop, phone } = await pair();
    for (let at = 0; at < 40; at++) laptop.tree.write(`old/${at}.txt`, `${at}`);
    await twins.settle();
    laptop.tree.rm("old");
    laptop.tree.write("new.txt", "new");
    expect(await laptop.sync()).toMatchObject({ inSync: false, filesDeleted: 0, filesUploaded: 1, awaitingConfirmation: { removals: 40 } });
    expect(await laptop.replica.sync({ confirm: true })).toMatchObject({ inSync: true, filesDeleted: 40, awaitingConfirmation: null });
    expect(await phone.sync()).toMatchObject({ inSync: false, filesDeleted: 0, filesDownloaded: 1, awaitingConfirmation: { removals: 40 } });
    expect(await phone.replica.sync({ confirm: true })).toMatchObject({ inSync: true, filesDeleted: 40 });
    expect(texts(phone.tree)).toEqual({ "new.txt": "new" });
  });

  it("reports what cannot be synced and syncs the rest", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.makeOther("socket");
    laptop.tree.write("a.txt", "a");
    const report = await laptop.sync();
    await phone.sync();
    expect(report).toMatchObject({ inSync: true, filesUploaded: 1, skipped: [{ path: "socket" }] });
    expect(texts(phone.tree)).toEqual({ "a.txt": "a" });
  });
});
