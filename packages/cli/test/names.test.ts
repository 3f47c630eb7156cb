import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { chmod, link, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { differences } from "./folders.js";
import { syncOnce, twins } from "./twins.js";
import { startServer, twinfold } from "./twinfold.js";

const HARD_NAMES = [
  "a".repeat(255),
  "ü".repeat(127),
  "two\nlines",
  "carriage\rreturn",
  "\u001b[31mred\u001b[0m",
  `"double" and 'single'`,
  "__proto__",
  "constructor",
  "toString",
  "100%",
  "%2e%2e%2fescape",
  "back\\slash",
  "..\\windows",
  "👩‍👩‍👧‍👦 family",
  " leading and trailing ",
  "dot.",
  "...",
  "-rf",
  "$(touch gone)",
  "nul.txt",
  "CON",
  "\u202Etxt.exe",
  "\u0001",
];

interface Skip {
  readonly path: string;
  readonly reason: string;
}

describe("names that are hard to carry", () => {
  it("arrive as they are, as files and as directories, and change and go like any other", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    for (const [at, name] of HARD_NAMES.entries()) {
      await writeFile(join(laptop.folder, name), `file ${at}`);
      await mkdir(join(laptop.folder, "directories", name), { recursive: true });
      await writeFile(join(laptop.folder, "directories", name, name), `inner ${at}`);
    }
    for (const twin of [laptop, phone]) expect(await syncOnce(twin)).toMatchObject({ code: 0, json: { inSync: true, skipped: [] } });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    expect(await readdir(join(phone.folder, "directories"))).toHaveLength(HARD_NAMES.length);

    for (const name of HARD_NAMES) await writeFile(join(phone.folder, name), "changed on the phone");
    for (const twin of [phone, laptop]) expect(await syncOnce(twin)).toMatchObject({ code: 0, json: { inSync: true, skipped: [], conflicts: 0 } });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);

    for (const name of HARD_NAMES) {
      await writeFile(join(laptop.folder, name), "changed on the laptop");
      await writeFile(join(phone.folder, name), "changed on both");
    }
    for (const twin of [laptop, phone, laptop]) expect(await syncOnce(twin)).toMatchObject({ code: 0, json: { inSync: true, skipped: [] } });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    expect((await readdir(laptop.folder)).filter((name) => name !== ".twinfold")).toHaveLength(2 * HARD_NAMES.length + 1);
  });
});

/** The user id that owns nothing, on Debian and most others. */
const NOBODY = 65_534;

describe.runIf(process.platform === "linux")("what cannot be synced", () => {
  it("of two spellings of one name in a folder one arrives, the other is reported and stays", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const spellings = ["caf\u00e9", "cafe\u0301"];
    for (const name of spellings) await writeFile(join(laptop.folder, name), name);
    await writeFile(join(laptop.folder, "other.txt"), "other");

    const { code, json } = await syncOnce(laptop);
    expect({ code, json }).toMatchObject({
      code: 0,
      json: { inSync: true, filesUploaded: 2, skipped: [{ path: expect.any(String), reason: expect.any(String) }] },
    });
    const [skipped] = json.skipped as Skip[];
    expect(spellings).toContain(skipped?.path);
    expect((await syncOnce(phone)).code).toBe(0);
    const arrived = spellings.filter((name) => name !== skipped?.path);
    expect((await readdir(phone.folder)).sort()).toEqual([".twinfold", ...arrived, "other.txt"]);
    for (const name of spellings) expect(await readFile(join(laptop.folder, name), "utf8")).toBe(name);
  });

  it("names that are not UTF-8, sockets and pipes are reported, and the rest arrives", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    await writeFile(Buffer.concat([Buffer.from(`${laptop.folder}/latin-`), Buffer.of(0xe9)]), "latin");
    await mkdir(Buffer.concat([Buffer.from(`${laptop.folder}/folder-`), Buffer.of(0xff)]));
    execFileSync("mkfifo", [join(laptop.folder, "pipe")]);
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(join(laptop.folder, "socket"), resolve));
    await writeFile(join(laptop.folder, "good.txt"), "good");

    const { code, json } = await syncOnce(laptop);
    expect({ code, json }).toMatchObject({ code: 0, json: { inSync: true, filesUploaded: 1 } });
    const reasons = Object.fromEntries((json.skipped as Skip[]).map(({ path, reason }) => [path, reason]));
    expect(reasons).toEqual({
      "latin-\ufffd": expect.stringContaining("UTF-8"),
      "folder-\ufffd": expect.stringContaining("UTF-8"),
      pipe: expect.stringContaining("pipe"),
      socket: expect.stringContaining("socket"),
    });
    const explained = await twinfold(["explain", join(laptop.folder, "pipe"), "--json"], { home: laptop.home });
    expect(explained.json).toMatchObject({ state: "skipped", explanation: expect.stringContaining("socket, pipe or device") as string });
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDownloaded: 1 });
    expect(await readdir(phone.folder)).toEqual([".twinfold", "good.txt"]);
  });

  it("a path that is too long for the disk is reported where it begins to be, and the rest arrives", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const name = "d".repeat(250);
    onTestFinished(() => void execFileSync("rm", ["-rf", join(laptop.folder, name), join(phone.folder, name)]));
    const digs = `for (let depth = 0; depth < 20; depth++) { fs.mkdirSync("${name}"); process.chdir("${name}"); } fs.writeFileSync("file.txt", "deep");`;
    execFileSync(process.execPath, ["-e", digs], { cwd: laptop.folder });
    await writeFile(join(laptop.folder, "good.txt"), "good");

    const { code, json } = await syncOnce(laptop);
    expect({ code, json }).toMatchObject({
      code: 0,
      json: { inSync: true, filesUploaded: 1, skipped: [{ reason: expect.stringContaining("too long") }] },
    });
    expect((await syncOnce(phone)).json).toMatchObject({ filesDownloaded: 1 });
    expect(await readFile(join(phone.folder, "good.txt"), "utf8")).toBe("good");
  });

  it("hard links are synced each as a file of its own, and explain says what they are", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    await writeFile(join(laptop.folder, "one.txt"), "text");
    await link(join(laptop.folder, "one.txt"), join(laptop.folder, "two.txt"));
    for (const twin of [laptop, phone]) expect(await syncOnce(twin)).toMatchObject({ code: 0, json: { inSync: true, skipped: [] } });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    const { json } = await twinfold(["explain", join(laptop.folder, "two.txt"), "--json"], { home: laptop.home });
    expect(json).toMatchObject({ state: "in-sync", explanation: expect.stringContaining("hard link, one of 2 names") });

    await writeFile(join(laptop.folder, "one.txt"), "edited through one name");
    for (const twin of [laptop, phone]) expect(await syncOnce(twin)).toMatchObject({ code: 0, json: { conflicts: 0 } });
    expect(await readFile(join(phone.folder, "two.txt"), "utf8")).toBe("edited through one name");
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
  });

  it("files and folders that may not be read are reported, and count as there", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    await writeFile(join(laptop.folder, "closed.txt"), "closed");
    await mkdir(join(laptop.folder, "closed"));
    await writeFile(join(laptop.folder, "closed", "inner.txt"), "inner");
    for (const twin of [laptop, phone]) await syncOnce(twin);
    await writeFile(join(laptop.folder, "closed.txt"), "changed");
    await chmod(join(laptop.folder, "closed.txt"), 0);
    await chmod(join(laptop.folder, "closed"), 0);
    onTestFinished(() => chmod(join(laptop.folder, "closed"), 0o700));
    await writeFile(join(laptop.folder, "good.txt"), "good");
    // To root nothing is closed: then somebody else runs the command, and owns what it needs.
    const user = process.getuid?.() === 0 ? NOBODY : undefined;
    if (user !== undefined) execFileSync("chown", ["-R", `${user}:${user}`, laptop.home, laptop.folder]);

    const { code, json } = await twinfold(["sync", laptop.folder, "--once", "--json"], { home: laptop.home, user });
    expect({ code, json }).toMatchObject({ code: 0, json: { filesUploaded: 1, filesDeleted: 0 } });
    expect((json.skipped as Skip[]).map(({ path }) => path).sort()).toEqual(["closed", "closed.txt"]);
    await syncOnce(phone);
    expect((await readdir(phone.folder)).sort()).toEqual([".twinfold", "closed", "closed.txt", "good.txt"]);
  });
});
