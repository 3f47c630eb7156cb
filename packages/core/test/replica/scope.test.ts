import type { LocalPath } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, texts } from "./twins.js";

const at = (path: string) => path as LocalPath;

async function pair(options?: Parameters<typeof createTwins>[1]) {
  const twins = await createTwins(["laptop", "phone"], options);
  const [laptop, phone] = twins.devices as [Device, Device];
  return { twins, laptop, phone };
}

async function meet(...devices: readonly Device[]): Promise<void> {
  for (let round = 0; round < 3; round++) for (const device of devices) expect(await device.sync()).toMatchObject({ inSync: true, skipped: [] });
}

describe("a device that holds only what was chosen", () => {
  it("gets that, with the directories on the way, and sends nothing else", async () => {
    const { laptop, phone } = await pair({ scopes: { phone: { only: ["docs", "photos/2026/*.jpg"] } } });
    for (const path of ["docs/a/b.txt", "photos/2026/1.jpg", "photos/2026/1.raw", "photos/2025/2.jpg", "music/3.mp3", ".twinfoldignore"])
      laptop.tree.write(path, "");
    await meet(laptop, phone);
    expect([...phone.tree.files().keys()]).toEqual([
      ".twinfoldignore",
      "docs",
      "docs/a",
      "docs/a/b.txt",
      "photos",
      "photos/2026",
      "photos/2026/1.jpg",
    ]);
    phone.tree.write("music/mine.mp3", "not chosen");
    phone.tree.write("docs/mine.txt", "chosen");
    await meet(phone, laptop);
    expect(texts(laptop.tree)).toMatchObject({ "docs/mine.txt": "chosen" });
    expect(texts(laptop.tree)).not.toHaveProperty(["music/mine.mp3"]);
    expect(await phone.replica.explain(at("music/3.mp3"))).toMatchObject({
      state: "excluded",
      explanation: expect.stringContaining('--only "docs"') as string,
    });
    expect(await phone.replica.status()).toMatchObject({ excluded: 5, elsewhere: 0, pending: 0 });
  });

  it("loses nothing when it is told to hold less, or more again", async () => {
    const { twins, laptop, phone } = await pair();
    for (const path of ["docs/1", "music/2", "music/3"]) laptop.tree.write(path, path);
    await meet(laptop, phone);
    await phone.restart({ only: ["docs"] });
    phone.tree.rm("music/3");
    await meet(phone, laptop);
    expect(texts(laptop.tree)).toEqual({ "docs/1": "docs/1", "music/2": "music/2", "music/3": "music/3" });
    expect(texts(phone.tree)).toEqual({ "docs/1": "docs/1", "music/2": "music/2" });
    await phone.restart({});
    await twins.settle();
    expect(texts(phone.tree)).toEqual({ "docs/1": "docs/1", "music/2": "music/2", "music/3": "music/3" });
  });

  it("lets go of what is moved to where it holds nothing, once the server has its edits, and gets what is moved back", async () => {
    const { laptop, phone } = await pair({ scopes: { phone: { only: ["docs"] } } });
    laptop.tree.write("docs/trip/plan.txt", "one");
    laptop.tree.mkdir("archive");
    await meet(laptop, phone);
    laptop.tree.rename("docs/trip", "archive/trip");
    phone.tree.write("docs/trip/plan.txt", "two");
    await meet(laptop, phone);
    expect(texts(laptop.tree)).toEqual({ "archive/trip/plan.txt": "two" });
    expect([...phone.tree.files().keys()]).toEqual(["docs"]);
    laptop.tree.rename("archive/trip", "docs/trip");
    await meet(laptop, phone);
    expect(texts(phone.tree)).toEqual({ "docs/trip/plan.txt": "two" });
  });

  it("gets what was deleted where it holds nothing and brought back elsewhere, also when it hears of both at once", async () => {
    const twins = await createTwins(["laptop", "phone", "desk"], { scopes: { desk: { only: ["docs"] } } });
    const [laptop, phone, desk] = twins.devices as [Device, Device, Device];
    laptop.tree.write("docs/a.txt", "a");
    laptop.tree.write("music/b.txt", "b");
    await meet(laptop, phone, desk);
    laptop.tree.rm("music/b.txt");
    await laptop.sync();
    phone.tree.rename("music/b.txt", "docs/b.txt");
    phone.tree.write("docs/b.txt", "edited");
    await phone.sync();
    await meet(desk);
    expect(texts(desk.tree)).toEqual({ "docs/a.txt": "a", "docs/b.txt": "edited" });
  });

  it("refuses patterns that are none", async () => {
    await expect(createTwins(["laptop"], { scopes: { laptop: { only: [""] } } })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});

describe("files that come when they are asked for", () => {
  const onDemand = { scopes: { phone: { onDemand: { upToBytes: 4, patterns: ["*.txt"] } } } };

  it("are known and not on the disk; small ones and those of a pattern come at once", async () => {
    const { laptop, phone } = await pair(onDemand);
    for (const path of ["big/film.mp4", "big/note.txt", "big/tiny"]) laptop.tree.write(path, path.endsWith("tiny") ? "tiny" : "large enough");
    await meet(laptop, phone);
    expect(Object.keys(texts(phone.tree))).toEqual(["big/tiny"]);
    expect(await phone.replica.status()).toMatchObject({ elsewhere: 2, pending: 0 });
    expect(await phone.replica.explain(at("big/film.mp4"))).toMatchObject({
      state: "elsewhere",
      explanation: expect.stringContaining("twinfold get") as string,
    });
  });

  it("come with get, one or all of a directory, and stay", async () => {
    const { laptop, phone } = await pair(onDemand);
    for (const name of ["1", "2", "3"]) laptop.tree.write(`films/${name}`, `film number ${name}`);
    await meet(laptop, phone);
    expect(await phone.replica.get(at("films/1"))).toMatchObject({ inSync: true, filesDownloaded: 1 });
    await phone.restart();
    laptop.tree.write("films/1", "the director's cut");
    await meet(laptop, phone);
    expect(texts(phone.tree)).toEqual({ "films/1": "the director's cut" });
    expect(await phone.replica.get(at("films"))).toMatchObject({ filesDownloaded: 2 });
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
    await expect(phone.replica.get(at("nothing"))).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
  });

  it("cost nothing when they are renamed or removed elsewhere, and their absence is no removal", async () => {
    const { laptop, phone } = await pair(onDemand);
    for (const name of ["1", "2", "3"]) laptop.tree.write(`films/${name}`, `film number ${name}`);
    await meet(laptop, phone);
    laptop.tree.rename("films/1", "films/one");
    laptop.tree.rm("films/2");
    await laptop.sync();
    expect(await phone.sync()).toMatchObject({ filesDownloaded: 0, filesDeleted: 0, moved: 0, chunksDownloaded: 0 });
    expect(await phone.replica.explain(at("films/one"))).toMatchObject({ state: "elsewhere" });
    phone.tree.rm("films");
    await meet(phone, laptop);
    expect(Object.keys(texts(laptop.tree))).toEqual(["films/3", "films/one"]);
    expect([...phone.tree.files().keys()]).toEqual(["films"]);
  });

  it("are the file that somebody puts in their place, if it is equal, and collide with another", async () => {
    const { laptop, phone } = await pair(onDemand);
    laptop.tree.write("same", "a long text");
    laptop.tree.write("other", "a long text");
    await meet(laptop, phone);
    phone.tree.write("same", "a long text");
    phone.tree.write("other", "of the phone");
    await meet(phone, laptop);
    expect(Object.values(texts(laptop.tree)).sort()).toEqual(["a long text", "a long text", "of the phone"]);
    expect(texts(laptop.tree)).toMatchObject({ same: "a long text", other: "a long text" });
  });

  it("meet the files of a folder that is linked with them in it: nothing is sent twice", async () => {
    const { laptop, phone } = await pair(onDemand);
    laptop.tree.write("films/1", "film number 1");
    await laptop.sync();
    phone.tree.write("films/1", "film number 1");
    expect(await phone.sync()).toMatchObject({ inSync: true, conflicts: 0, filesUploaded: 0, chunksUploaded: 0 });
    expect(await phone.replica.status()).toMatchObject({ elsewhere: 0 });
  });

  it("leave the disk with free, when the server has them; edits that it lacks go up first", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write("films/1", "film number 1");
    await meet(laptop, phone);
    phone.tree.write("films/1", "edited");
    expect(await phone.replica.free(at("films"))).toEqual({ files: 1, bytes: 6 });
    await meet(phone, laptop);
    expect(texts(phone.tree)).toEqual({});
    expect(phone.tree.trashed()).toEqual([]);
    expect(texts(laptop.tree)).toEqual({ "films/1": "edited" });
    await phone.restart();
    await meet(phone, laptop);
    expect(await phone.replica.status()).toMatchObject({ elsewhere: 1 });
    expect(await phone.replica.get(at("films/1"))).toMatchObject({ filesDownloaded: 1 });
  });

  it("all come when the folder is linked without that again, what was freed too", async () => {
    const { twins, laptop, phone } = await pair(onDemand);
    laptop.tree.write("films/1", "film number 1");
    await meet(laptop, phone);
    await phone.restart({});
    await twins.settle();
    expect(texts(phone.tree)).toEqual({ "films/1": "film number 1" });
  });
});

it("a hub that says of two directories that each is in the other keeps no one busy: what is elsewhere arrives", async () => {
  const twins = await createTwins(["laptop", "phone"], {
    wrapTransport: (transport, device) => ({
      ...transport,
      heads: async (ask, options) => {
        const answer = await transport.heads(ask, options);
        if (device !== "phone") return answer;
        const idOf = (name: string) => answer.heads.find(({ head }) => head.place.name === name)?.head.nodeId;
        const twisted = new Map([
          ["a", idOf("b")],
          ["b", idOf("a")],
        ]);
        const heads = answer.heads.map((row) => {
          const parentId = twisted.get(row.head.place.name);
          return parentId === undefined ? row : { ...row, head: { ...row.head, place: { ...row.head.place, parentId } } };
        });
        return { ...answer, heads };
      },
    }),
  });
  const [laptop, phone] = twins.devices as [Device, Device];
  laptop.tree.write("a/one.txt", "1");
  laptop.tree.write("b/two.txt", "2");
  laptop.tree.write("three.txt", "3");
  await laptop.sync();
  await phone.sync();
  expect(texts(phone.tree)).toEqual({ "three.txt": "3" });
});

it("what comes in a directory that rules exclude where it stood, and that the disk hid from the look, is here once the directory has moved away", async () => {
  let isHidden = false;
  const { laptop, phone } = await pair({
    wrapTree: (tree, name) => ({
      ...tree,
      list: async (path: LocalPath) => {
        const { entries, problems } = await tree.list(path);
        if (name !== "phone" || !isHidden || path !== "") return { entries, problems };
        return {
          entries: entries.filter((entry) => entry.name !== "b"),
          problems: [...problems, { name: "b", problem: "it cannot be read (EIO)" }],
        };
      },
      digest: async () => undefined,
    }),
  });
  laptop.tree.write("b/first", "1");
  await meet(laptop, phone);
  laptop.tree.write("A/other", "2");
  laptop.tree.rename("b", "A/moved");
  laptop.tree.write("A/moved/new", "3");
  await laptop.sync();
  phone.tree.write(".twinfoldignore", "b/\n");
  isHidden = true;
  await phone.sync();
  isHidden = false;
  await meet(phone, laptop);
  expect(texts(phone.tree)).toMatchObject({ "A/moved/first": "1", "A/moved/new": "3" });
});
