import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differences } from "./folders.js";
import { seededRandom } from "./seeded-random.js";
import { canMount, mountDisk } from "./small-disk.js";
import { following, linked, syncOnce, tells, twins } from "./twins.js";
import { loggedIn, signedUp, startServer } from "./twinfold.js";

const MB = 1_000_000;

describe.skipIf(!canMount)("a full disk (needs the right to mount a small one)", () => {
  it("of a device stops a download with ERR_NO_SPACE, keeps the old file, and goes on once there is room", async () => {
    const { url } = await startServer();
    const disk = await mountDisk(8);
    const [laptop, phone] = [await linked(await signedUp(url)), await linked(await loggedIn(url), "twins", disk.path)];
    const random = seededRandom(4);
    const old = random.bytes(2 * MB);
    await writeFile(join(laptop.folder, "film.bin"), old);
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });
    await writeFile(join(laptop.folder, "film.bin"), random.bytes(20 * MB));
    expect((await syncOnce(laptop)).json).toMatchObject({ inSync: true });

    const full = await syncOnce(phone);
    expect(full).toMatchObject({ code: 1, json: { error: { code: "ERR_NO_SPACE", message: expect.stringContaining("make room") } } });
    expect((await readFile(join(phone.folder, "film.bin"))).equals(old)).toBe(true);

    const running = await followingFull(phone.home);
    disk.resize(64);
    await running.line(tells("file:downloaded", "film.bin"));
    await running.stop();
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
  });

  it("of the server is told with ERR_NO_SPACE, costs nothing that it confirmed, and goes on once there is room", async () => {
    const disk = await mountDisk(12);
    const { url } = await startServer(disk.path);
    const [laptop, phone] = await twins(url);
    const random = seededRandom(5);
    await writeFile(join(laptop.folder, "first.bin"), random.bytes(2 * MB));
    expect((await syncOnce(laptop)).json).toMatchObject({ inSync: true });
    for (let at = 0; at < 6; at++) await writeFile(join(laptop.folder, `${at}.bin`), random.bytes(4 * MB));

    const full = await syncOnce(laptop);
    expect(full).toMatchObject({
      code: 1,
      json: { error: { code: "ERR_NO_SPACE", message: expect.stringContaining("the server has no room left") } },
    });
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true });
    expect((await readFile(join(phone.folder, "first.bin"))).equals(await readFile(join(laptop.folder, "first.bin")))).toBe(true);

    const running = await followingFull(laptop.home);
    disk.resize(128);
    await running.line(tells("file:uploaded", "5.bin"));
    await running.stop();
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
  });
});

/** A running `twinfold sync` that has met the full disk. */
async function followingFull(home: string) {
  return await following(home, tells("sync:postponed", "ERR_NO_SPACE"));
}
