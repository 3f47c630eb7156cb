import { isConflictName, type MemoryLocalTree } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { fakeCloud } from "../../src/index.js";

/** Paths and texts of the files in a folder. */
function texts(folder: MemoryLocalTree): Record<string, string> {
  const files = [...folder.files()].flatMap(([path, entry]) => (entry.kind === "file" ? [[path, new TextDecoder().decode(entry.bytes)]] : []));
  return Object.fromEntries(files) as Record<string, string>;
}

/** Three devices that write while the cloud does what its seed wills, and what is seen on the way. */
async function storyOf(seed: number, flaky: number) {
  const cloud = fakeCloud({ seed, flaky });
  const clients = ["laptop", "phone", "tablet"].map((name) => cloud.client(name));
  const seen: Array<Record<string, string>> = [];
  let cutOff = 0;
  for (let step = 0; step < 8; step++) {
    for (const { name, folder } of clients) folder.write(`${name}/${step}.txt`, `${name} ${step}`);
    await cloud.stir();
    for (const client of clients) if ((await client.sync()) === undefined) cutOff += 1;
    seen.push(...clients.map(({ folder }) => texts(folder)));
  }
  await cloud.settle();
  return { seen, cutOff, end: clients.map(({ folder }) => texts(folder)) };
}

describe("fakeCloud", () => {
  it("brings to each device what the others wrote, over a network that loses a third of all requests and answers", async () => {
    const { cutOff, end } = await storyOf(3, 1 / 3);
    expect(cutOff).toBeGreaterThan(0);
    expect(Object.keys(end[0] ?? {})).toHaveLength(24);
    for (const files of end) expect(files).toEqual(end[0]);
  });

  it("does the same again with one seed, and something else with another", async () => {
    const { seen } = await storyOf(1, 0.2);
    expect((await storyOf(1, 0.2)).seen).toEqual(seen);
    expect((await storyOf(2, 0.2)).seen).not.toEqual(seen);
  });

  it("reaches nobody from a device that is offline, until it is back", async () => {
    const cloud = fakeCloud();
    const [laptop, phone] = [cloud.client("laptop"), cloud.client("phone")];
    cloud.offline("phone");
    laptop.folder.write("a", "1");
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesUploaded: 1 });
    expect(await phone.sync()).toBeUndefined();
    expect(texts(phone.folder)).toEqual({});
    cloud.online("phone");
    await phone.sync();
    expect(texts(phone.folder)).toEqual({ a: "1" });
  });

  it("makes a conflict, whose copy comes to every device", async () => {
    const cloud = fakeCloud();
    const [laptop, phone] = [cloud.client("laptop"), cloud.client("phone")];
    laptop.folder.write("notes.txt", "milk");
    await expect(cloud.conflict("notes.txt")).rejects.toThrow('no file "notes.txt" has reached the fake cloud');
    await cloud.settle();
    await cloud.conflict("notes.txt");
    expect(texts(laptop.folder)).toEqual({ "notes.txt": "milk" });
    await cloud.settle();
    const copy = "notes (conflict, a third device, 2026-01-01).txt";
    expect(isConflictName(copy)).toBe(true);
    for (const { folder } of [laptop, phone]) expect(texts(folder)).toEqual({ "notes.txt": "milk\n", [copy]: "milk\n\n" });
    await cloud.conflict("notes.txt", ["eggs", "bread"]);
    await cloud.settle();
    expect(Object.values(texts(phone.folder)).sort()).toEqual(["bread", "eggs", "milk\n\n"]);
  });

  it("settles removals that would wait for a person", async () => {
    const cloud = fakeCloud();
    const [laptop, phone] = [cloud.client("laptop"), cloud.client("phone")];
    for (let n = 0; n < 60; n++) laptop.folder.write(`folder/${n}`, "x");
    await cloud.settle();
    laptop.folder.rm("folder");
    await cloud.settle();
    expect(phone.folder.files().size).toBe(0);
  });

  it("refuses a chance that is none", () => {
    expect(() => fakeCloud({ flaky: 1 })).toThrow("flaky is a chance from 0 to below 1, got 1");
  });
});
