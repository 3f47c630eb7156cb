import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { differences } from "./folders.js";
import { seededRandom } from "./seeded-random.js";
import { loggedIn, type Running, signedUp, startTwinfold, temporaryFolder, twinfold } from "./twinfold.js";

const FILES = 2_000;
const KILLS = 50;

describe("a server that is killed again and again", () => {
  it(`ends with equal folders, a gapless journal and no change twice, after ${KILLS} kills in a sync of ${FILES} files`, async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`seed ${seed}`);
    const random = seededRandom(seed);
    const data = await temporaryFolder();
    const port = await freePort();
    const serve = async (): Promise<Running> => {
      const server = startTwinfold(["serve", "--data", data, "--listen", `127.0.0.1:${port}`, "--json"]);
      await server.line((line) => line.includes('"url"'));
      return server;
    };
    let server = await serve();
    const url = `http://127.0.0.1:${port}`;
    const [laptop, phone] = [await temporaryFolder(), await temporaryFolder()];
    const [laptopHome, phoneHome] = [await signedUp(url), await loggedIn(url)];
    for (const [home, folder] of [
      [laptopHome, laptop],
      [phoneHome, phone],
    ] as const) {
      const linked = await twinfold(["link", folder, "--workspace", "twins", "--json"], { home });
      expect(linked.code, linked.stderr).toBe(0);
    }
    for (let at = 0; at < FILES; at++) {
      const directory = join(laptop, `directory ${at % 40}`);
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, `${at}.bin`), random.bytes(1 + random.below(60_000)));
    }

    const devices = [startTwinfold(["sync", "--json"], { home: laptopHome }), startTwinfold(["sync", "--json"], { home: phoneHome })];
    let edits = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await afterQuestions(server, random.below(60));
      await server.stop("SIGKILL");
      const at = random.below(FILES);
      await writeFile(join(laptop, `directory ${at % 40}`, `${at}.bin`), `edit ${edits++}`);
      server = await serve();
    }
    for (const device of devices) await device.stop();
    for (let round = 0; round < 3; round++) {
      for (const home of [laptopHome, phoneHome]) {
        const synced = await twinfold(["sync", "--once", "--json"], { home });
        expect(synced.code, synced.stdout + synced.stderr).toBe(0);
      }
    }
    await server.stop();

    expect(await differences(laptop, phone)).toEqual([]);
    const hub = new Database(join(data, "hub.db"), { readonly: true });
    const journal = hub.prepare("SELECT seq FROM journal ORDER BY seq").pluck().all() as number[];
    hub.close();
    expect(journal).toEqual(journal.map((_, index) => index + 1));
    // Every file and directory was made once; an edit is one row more, and no more than the edits that were made.
    expect(journal.length).toBeGreaterThanOrEqual(FILES + 40);
    expect(journal.length).toBeLessThanOrEqual(FILES + 40 + edits);
  }, 600_000);
});

/** Resolves after the server was asked for its health a number of times: a moment that depends on its work, not on a clock. */
async function afterQuestions(server: Running, questions: number): Promise<void> {
  const address = server.process.spawnargs[server.process.spawnargs.indexOf("--listen") + 1] ?? "";
  for (let at = 0; at < questions; at++) await fetch(`http://${address}/healthz`).then((answer) => answer.arrayBuffer());
}

async function freePort(): Promise<number> {
  const server = createServer();
  return await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
