import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { differences } from "./folders.js";
import { seededRandom } from "./seeded-random.js";
import { type Running, startTwinfold, temporaryFolder, twinfold } from "./twinfold.js";
import { syncOnce, twins } from "./twins.js";

const FILES = 2_000;
/** 200 in a long hunt. */
const KILLS = Number(process.env.KILLS ?? (process.env.CI === "true" ? 50 : 12));

describe("a server and two devices of which one or another is killed again and again", () => {
  it(`end with equal folders, a gapless journal, no change twice and a clean bill of health, after ${KILLS} kills in a sync of ${FILES} files`, async () => {
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
    const [laptop, phone] = await twins(`http://127.0.0.1:${port}`);
    for (let at = 0; at < FILES; at++) {
      const directory = join(laptop.folder, `directory ${at % 40}`);
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, `${at}.bin`), random.bytes(1 + random.below(60_000)));
    }

    const devices = [laptop, phone].map(({ home }) => ({ home, running: startTwinfold(["sync", "--json"], { home }) }));
    const written = new Map<string, string>();
    for (let kill = 0; kill < KILLS; kill++) {
      await afterQuestions(server, random.below(60));
      const victim = random.below(3);
      const device = devices[victim];
      if (device === undefined) await server.stop("SIGKILL");
      else await device.running.stop("SIGKILL");
      // Always on the same device: two people who edit one file would make conflict copies, which the next line could not foresee.
      const at = random.below(FILES);
      const path = join(`directory ${at % 40}`, `${at}.bin`);
      written.set(path, `edit ${kill}`);
      await writeFile(join(laptop.folder, path), `edit ${kill}`);
      if (device === undefined) server = await serve();
      else device.running = startTwinfold(["sync", "--json"], { home: device.home });
    }
    for (const device of devices) await device.running.stop();
    for (let round = 0; round < 3; round++) {
      for (const twin of [laptop, phone]) {
        const synced = await syncOnce(twin);
        expect(synced.code, synced.stdout + synced.stderr).toBe(0);
      }
    }

    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    for (const [path, text] of written) expect(await readFile(join(phone.folder, path), "utf8"), path).toBe(text);
    // Every file is read, every row compared, and every chunk fetched from the server and hashed.
    for (const { home } of [laptop, phone]) {
      const { code, json, stdout } = await twinfold(["doctor", "--deep", "--json"], { home });
      expect({ code, json }, stdout).toMatchObject({ code: 0, json: { sound: true, links: [{ findings: [], files: FILES, nodes: FILES + 40 }] } });
    }
    await server.stop();

    const hub = new Database(join(data, "hub.db"), { readonly: true });
    const journal = hub.prepare("SELECT seq FROM journal ORDER BY seq").pluck().all() as number[];
    hub.close();
    expect(journal).toEqual(journal.map((_, index) => index + 1));
    // Every file and directory was made once; an edit is one row more, and no more than the edits that were made.
    expect(journal.length).toBeGreaterThanOrEqual(FILES + 40);
    expect(journal.length).toBeLessThanOrEqual(FILES + 40 + KILLS);
  }, 1_800_000);
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
