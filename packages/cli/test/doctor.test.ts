import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { startServer, temporaryFolder, twinfold } from "./twinfold.js";
import { syncOnce, twins } from "./twins.js";

describe("twinfold doctor", () => {
  it("finds nothing wrong with two devices in step, and says what it looked at", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    await writeFile(join(laptop.folder, "notes.txt"), "as written");
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).code).toBe(0);
    for (const { home, folder } of [laptop, phone]) {
      const { code, json } = await twinfold(["doctor", folder, "--deep", "--json"], { home });
      expect({ code, json }).toMatchObject({
        code: 0,
        json: { sound: true, links: [{ path: folder, files: 1, bytes: 10, chunks: 1, findings: [] }] },
      });
    }
    const { stdout } = await twinfold(["doctor"], { home: laptop.home });
    expect(stdout).toContain("looked at 1 node, 1 file of 10 B, 1 chunk");
  });

  it("finds a chunk that the server lost from a workspace, exits with 1, and with --repair sends it from this disk", async () => {
    const data = await temporaryFolder();
    const { url, running } = await startServer(data);
    const [laptop, phone] = await twins(url);
    await writeFile(join(laptop.folder, "notes.txt"), "as written");
    expect((await syncOnce(laptop)).code).toBe(0);
    await running.stop();
    const hub = new Database(join(data, "hub.db"));
    hub.prepare("DELETE FROM possessed").run();
    hub.close();
    await startServer(data, new URL(url).host);

    const found = await twinfold(["doctor", "--json"], { home: laptop.home });
    expect(found).toMatchObject({ code: 1, json: { sound: false, links: [{ findings: [{ hop: "chunks", path: "notes.txt" }] }] } });
    expect((await twinfold(["doctor", "--repair"], { home: laptop.home })).stdout).toContain("mended: sent from the file on this disk");
    expect((await twinfold(["doctor", "--deep"], { home: laptop.home })).code).toBe(0);
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDownloaded: 1 });
  });

  it("says of a folder that is not there what to do, and checks the others", async () => {
    const { url } = await startServer();
    const [laptop] = await twins(url);
    await rename(laptop.folder, `${laptop.folder}-elsewhere`);
    const { code, json, stdout } = await twinfold(["doctor", "--json"], { home: laptop.home });
    expect({ code, json }, stdout).toMatchObject({ code: 1, json: { sound: false, links: [{ error: { code: "ERR_ROOT_MISSING" } }] } });
    await rename(`${laptop.folder}-elsewhere`, laptop.folder);
  });
});
