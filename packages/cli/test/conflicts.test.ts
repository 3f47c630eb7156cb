import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loggedIn, signedUp, startServer, temporaryFolder, twinfold } from "./twinfold.js";
import { following, syncOnce, type Twin, twins } from "./twins.js";

interface Listed {
  readonly path: string;
  readonly copy: string;
  readonly mine: string;
  readonly theirs: string;
}

async function inConflict(url: string): Promise<{ readonly laptop: Twin; readonly phone: Twin }> {
  const [laptop, phone] = await twins(url);
  await writeFile(join(laptop.folder, "notes.txt"), "base\n");
  await syncOnce(laptop);
  await syncOnce(phone);
  await appendFile(join(laptop.folder, "notes.txt"), "from the laptop\n");
  await appendFile(join(phone.folder, "notes.txt"), "from the phone\n");
  await syncOnce(laptop);
  await syncOnce(phone);
  await syncOnce(laptop);
  return { laptop, phone };
}

async function conflictsOf({ home, folder }: Twin): Promise<readonly Listed[]> {
  const { json } = await twinfold(["conflicts", folder, "--json"], { home });
  return (json.links as Array<{ conflicts: Listed[] }>).flatMap(({ conflicts }) => conflicts);
}

async function filesOf({ folder }: Twin): Promise<Record<string, string>> {
  const names = (await readdir(folder)).filter((name) => name !== ".twinfold").sort();
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")])));
}

describe("twinfold conflicts and resolve", () => {
  it("tell on each device which version is its own, and keep the one that is asked for on both", async () => {
    const { url } = await startServer();
    const { laptop, phone } = await inConflict(url);
    const [there] = await conflictsOf(laptop);
    const [here] = await conflictsOf(phone);
    expect(here).toMatchObject({ path: join(phone.folder, "notes.txt"), mine: here?.copy, theirs: here?.path, proven: true, hasBase: true });
    expect(there).toMatchObject({ path: join(laptop.folder, "notes.txt"), mine: there?.path, theirs: there?.copy, device: "phone" });
    const { stdout } = await twinfold(["conflicts", phone.folder], { home: phone.home });
    expect(stdout).toContain("changed apart on phone");

    const resolved = await twinfold(["resolve", join(phone.folder, "notes.txt"), "--keep", "mine", "--json"], { home: phone.home });
    expect(resolved).toMatchObject({ code: 0, json: { kept: [join(phone.folder, "notes.txt")], sync: { inSync: true } } });
    await syncOnce(laptop);
    for (const twin of [laptop, phone]) {
      expect(await filesOf(twin)).toEqual({ "notes.txt": "base\nfrom the phone\n" });
      expect(await conflictsOf(twin)).toEqual([]);
    }
    const { json } = await twinfold(["revisions", join(laptop.folder, "notes.txt"), "--json"], { home: laptop.home });
    expect(json.revisions).toHaveLength(3);
  });

  it("have nothing to list where text is merged, which a link keeps", async () => {
    const { url } = await startServer();
    const [laptop, phone] = [await signedUp(url), await loggedIn(url)];
    const [desk, pocket] = [await temporaryFolder(), await temporaryFolder()];
    for (const [home, folder] of [
      [laptop, desk],
      [phone, pocket],
    ] as const) {
      await twinfold(["link", folder, "--workspace", "twins", "--merge-text", "--json"], { home });
    }
    const sync = async () => [await syncOnce({ home: laptop, folder: desk }), await syncOnce({ home: phone, folder: pocket })];
    await writeFile(join(desk, "notes.txt"), "1\n2\n3\n");
    await sync();
    await writeFile(join(desk, "notes.txt"), "0\n1\n2\n3\n");
    await writeFile(join(pocket, "notes.txt"), "1\n2\n3\n4\n");
    await sync();
    await sync();
    for (const folder of [desk, pocket]) expect(await readFile(join(folder, "notes.txt"), "utf8")).toBe("0\n1\n2\n3\n4\n");
    expect(await conflictsOf({ home: phone, folder: pocket })).toEqual([]);
  });

  it("take a file's content instead of both, also while `twinfold sync` runs; a file that is not there is refused, and a path without a conflict", async () => {
    const { url } = await startServer();
    const { laptop, phone } = await inConflict(url);
    const agreed = join(await temporaryFolder(), "agreed.txt");
    await writeFile(agreed, "both of us\n");
    await following(phone.home);
    const resolve = async (path: string, keep: string) => await twinfold(["resolve", path, "--keep", keep, "--json"], { home: phone.home });
    expect(await resolve(join(phone.folder, "notes.txt"), `${agreed}.not`)).toMatchObject({
      code: 1,
      json: { error: { code: "ERR_NOT_FOUND", message: expect.stringContaining("mine, theirs, both, or a file") as string } },
    });
    expect(await resolve(join(phone.folder, "other.txt"), "both")).toMatchObject({ code: 1, json: { error: { code: "ERR_NOT_FOUND" } } });
    expect(await resolve(join(phone.folder, "notes.txt"), agreed)).toMatchObject({ code: 0 });
    await syncOnce(laptop);
    expect(await filesOf(laptop)).toEqual({ "notes.txt": "both of us\n" });
  });
});
