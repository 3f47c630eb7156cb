import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loggedIn, type Result, signedUp, startServer, temporaryFolder, twinfold } from "./twinfold.js";

async function link(home: string, dir: string, ...more: string[]): Promise<Result> {
  return await twinfold(["link", dir, ...more, "--json"], { home });
}

function refusal(code: string): object {
  return { code: 1, json: { error: { code, message: expect.stringMatching(/./) } } };
}

async function device(): Promise<string> {
  return await signedUp((await startServer()).url);
}

describe("link", () => {
  it("creates the workspace of the folder's name, or takes the one that is there", async () => {
    const { url } = await startServer();
    const [laptop, phone] = [await signedUp(url), await loggedIn(url)];
    const papers = join(await temporaryFolder(), "Papers");
    await mkdir(papers);
    const made = await link(laptop, papers);
    expect(made).toMatchObject({ code: 0, json: { path: papers, workspace: "Papers", created: true } });

    const twin = await link(phone, await temporaryFolder(), "--workspace", "Papers");
    expect(twin).toMatchObject({ code: 0, json: { workspaceId: made.json.workspaceId, workspace: "Papers", created: false } });

    const { json } = await twinfold(["workspaces", "--json"], { home: laptop });
    expect(json.workspaces).toEqual([expect.objectContaining({ name: "Papers", workspaceId: made.json.workspaceId, linkedAt: papers })]);
    const marker = JSON.parse(await readFile(join(papers, ".twinfold", "root.json"), "utf8")) as object;
    expect(marker).toMatchObject({ workspaceId: made.json.workspaceId });
  });

  it("refuses a folder that is missing, a file, and a folder that cannot be written", async () => {
    const home = await device();
    const folder = await temporaryFolder();
    expect(await link(home, join(folder, "missing"))).toMatchObject(refusal("ERR_ROOT_MISSING"));
    await writeFile(join(folder, "file"), "");
    expect(await link(home, join(folder, "file"))).toMatchObject(refusal("ERR_ROOT_UNREADABLE"));
    if (process.getuid?.() === 0) return; // nothing is closed to root
    await mkdir(join(folder, "closed"));
    await chmod(join(folder, "closed"), 0o500);
    expect(await link(home, join(folder, "closed"))).toMatchObject(refusal("ERR_ROOT_UNREADABLE"));
  });

  it("refuses a folder inside a linked one, and one that contains it, also through a symlink", async () => {
    const home = await device();
    const folder = await temporaryFolder();
    await mkdir(join(folder, "outer/linked/inner"), { recursive: true });
    await symlink(join(folder, "outer/linked/inner"), join(folder, "shortcut"));
    expect((await link(home, join(folder, "outer/linked"))).code).toBe(0);
    for (const dir of ["outer/linked/inner", "outer", "shortcut"]) {
      expect(await link(home, join(folder, dir), "--workspace", "other"), dir).toMatchObject(refusal("ERR_NESTED_LINK"));
    }
    expect(await link(home, join(folder, "outer/linked"), "--workspace", "other")).toMatchObject(refusal("ERR_ALREADY_LINKED"));
  });

  it("refuses what another device on this machine has linked, contains or is contained by", async () => {
    const { url } = await startServer();
    const [one, other] = [await signedUp(url), await loggedIn(url)];
    const folder = await temporaryFolder();
    await mkdir(join(folder, "outer/linked/inner"), { recursive: true });
    expect((await link(one, join(folder, "outer/linked"))).code).toBe(0);
    expect(await link(other, join(folder, "outer/linked"))).toMatchObject(refusal("ERR_ALREADY_LINKED"));
    expect(await link(other, join(folder, "outer/linked/inner"))).toMatchObject(refusal("ERR_NESTED_LINK"));
    expect(await link(other, join(folder, "outer"))).toMatchObject(refusal("ERR_NESTED_LINK"));
  });

  it("refuses a second folder for one workspace, and the state folder", async () => {
    const home = await device();
    expect((await link(home, await temporaryFolder(), "--workspace", "twins")).code).toBe(0);
    const second = await temporaryFolder();
    expect(await link(home, second, "--workspace", "twins")).toMatchObject(refusal("ERR_ALREADY_LINKED"));
    expect(await readdir(second)).toEqual([]);
    expect(await link(home, home)).toMatchObject(refusal("ERR_NESTED_LINK"));
  });
});

describe("unlink", () => {
  it("removes the marker and the link, and no file", async () => {
    const home = await device();
    const folder = await temporaryFolder();
    await writeFile(join(folder, "kept.txt"), "kept");
    await link(home, folder);
    expect(await twinfold(["unlink", folder, "--json"], { home })).toMatchObject({ code: 0, json: { path: folder } });
    expect(await readdir(folder)).toEqual(["kept.txt"]);
    expect((await twinfold(["status", "--json"], { home })).json.links).toEqual([]);
    expect(await twinfold(["unlink", folder, "--json"], { home })).toMatchObject(refusal("ERR_NOT_FOUND"));
    expect(await link(home, folder)).toMatchObject({ code: 0, json: { created: false } });
  });

  it("works for a folder that is gone, whose status says so", async () => {
    const home = await device();
    const folder = join(await temporaryFolder(), "lost");
    await mkdir(folder);
    await link(home, folder);
    await rm(folder, { recursive: true });
    const { json } = await twinfold(["status", folder, "--json"], { home });
    expect(json.links).toEqual([expect.objectContaining({ path: folder, problem: expect.stringContaining(folder) })]);
    expect(await twinfold(["sync", folder, "--once", "--json"], { home })).toMatchObject(refusal("ERR_ROOT_MISSING"));
    expect((await twinfold(["unlink", folder, "--json"], { home })).code).toBe(0);
  });
});

describe("a path outside all linked folders", () => {
  it.each(["explain", "revisions", "get", "free"])("%s exits 1 with ERR_NOT_FOUND", async (command) => {
    const home = await device();
    await link(home, await temporaryFolder());
    expect(await twinfold([command, "/nowhere/file", "--json"], { home })).toMatchObject(refusal("ERR_NOT_FOUND"));
  });
});
