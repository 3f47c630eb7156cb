import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differences } from "./folders.js";
import { loggedIn, signedUp, startServer, temporaryFolder } from "./twinfold.js";
import { linked, syncOnce, type Twin } from "./twins.js";

/** A copy of a device as a backup, or a disk image, has it: state folder and linked folder, each at a place of its own. */
async function copied({ home, folder }: Twin): Promise<Twin> {
  const copy = { home: join(await temporaryFolder(), "home"), folder: join(await temporaryFolder(), "folder") };
  await cp(home, copy.home, { recursive: true, preserveTimestamps: true });
  await cp(folder, copy.folder, { recursive: true, preserveTimestamps: true });
  await pointTo(copy);
  return copy;
}

async function pointTo({ home, folder }: Twin): Promise<void> {
  const path = join(home, "links.json");
  const { links, ...rest } = JSON.parse(await readFile(path, "utf8")) as { links: Array<{ path: string }> };
  await writeFile(path, JSON.stringify({ ...rest, links: links.map((link) => ({ ...link, path: folder })) }));
}

async function settle(...devices: readonly Twin[]): Promise<void> {
  for (let round = 0; round < 3; round++) for (const device of devices) expect((await syncOnce(device)).json).toMatchObject({ inSync: true });
}

async function textsIn({ folder }: Twin): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => name !== ".twinfold");
  return (await Promise.all(names.map(async (name) => await readFile(join(folder, name), "utf8")))).sort();
}

async function device(url: string): Promise<Twin> {
  const laptop = await linked(await signedUp(url));
  for (const name of ["a", "b", "c"]) await writeFile(join(laptop.folder, `${name}.txt`), name);
  await syncOnce(laptop);
  return laptop;
}

describe("a device that was copied", () => {
  it("and of which both run, loses nothing of what either does, and both become one again", async () => {
    const { url } = await startServer();
    const laptop = await device(url);
    const clone = await copied(laptop);
    await writeFile(join(laptop.folder, "a.txt"), "a of the laptop");
    await writeFile(join(laptop.folder, "laptop.txt"), "new on the laptop");
    await writeFile(join(clone.folder, "a.txt"), "a of the clone");
    await writeFile(join(clone.folder, "clone.txt"), "new on the clone");
    await settle(laptop, clone);
    await writeFile(join(clone.folder, "b.txt"), "b of the clone");
    await writeFile(join(laptop.folder, "c.txt"), "c of the laptop");
    await settle(clone, laptop);
    expect(await differences(laptop.folder, clone.folder)).toEqual([]);
    expect(await textsIn(laptop)).toEqual([
      "a of the clone",
      "a of the laptop",
      "b of the clone",
      "c of the laptop",
      "new on the clone",
      "new on the laptop",
    ]);
  });

  it("and put back from that older copy, keeps what it and others have done since, and what it does then", async () => {
    const { url } = await startServer();
    const laptop = await device(url);
    const backup = await copied(laptop);
    const phone = await linked(await loggedIn(url));
    await writeFile(join(laptop.folder, "a.txt"), "a of the laptop");
    await writeFile(join(laptop.folder, "since.txt"), "made since");
    await rm(join(laptop.folder, "b.txt"));
    await settle(laptop, phone);
    await writeFile(join(phone.folder, "c.txt"), "c of the phone");
    await settle(phone);
    await writeFile(join(backup.folder, "after.txt"), "made after");
    await settle(backup, phone);
    expect(await differences(backup.folder, phone.folder)).toEqual([]);
    expect(await textsIn(phone)).toEqual(["a of the laptop", "c of the phone", "made after", "made since"]);
  });

  it("and whose state alone is put back, while its folder stays as it is, loses nothing of the folder", async () => {
    const { url } = await startServer();
    const laptop = await device(url);
    const backup = await copied(laptop);
    await writeFile(join(laptop.folder, "a.txt"), "a of the laptop");
    await writeFile(join(laptop.folder, "since.txt"), "made since");
    await settle(laptop);
    const restored = { home: backup.home, folder: laptop.folder };
    await pointTo(restored);
    await writeFile(join(laptop.folder, "after.txt"), "made after");
    const phone = await linked(await loggedIn(url));
    await settle(restored, phone);
    expect(await textsIn(phone)).toEqual(["a of the laptop", "b", "c", "made after", "made since"]);
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
  });
});
