import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { differences } from "./folders.js";
import { following, syncOnce, tells, twins } from "./twins.js";
import { startServer } from "./twinfold.js";

const WRITER = fileURLToPath(new URL("./restless-writer.mjs", import.meta.url));
const RECORD_BYTES = 4096;
const VERSIONS = 15;

/** The numbers that a file is made of, each once, in their order. */
function numbersIn(content: Buffer): readonly number[] {
  const numbers: number[] = [];
  for (let at = 0; at < content.length; at += 4) {
    const number = content.readUInt32LE(at);
    if (number !== numbers.at(-1)) numbers.push(number);
  }
  return numbers;
}

describe("a file that is written while it is read", () => {
  it("arrives in whole versions only, never half old and half new", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const [sending, receiving] = [await following(laptop.home), await following(phone.home)];
    const writer = spawn(process.execPath, [WRITER, laptop.folder, "300"], { stdio: "inherit" });
    onTestFinished(() => void writer.kill("SIGKILL"));

    const arrived = new Set<string>();
    for (let version = 0; version < VERSIONS || arrived.size < 3; version++) {
      const line = await receiving.line(tells("file:downloaded"));
      const { path } = (JSON.parse(line) as { fact: { path: string } }).fact;
      arrived.add(path);
      if (path.startsWith(".")) continue;
      const content = await readFile(join(phone.folder, path));
      if (path === "appended.log") {
        expect(content.length % RECORD_BYTES).toBe(0);
        expect(numbersIn(content)).toEqual(Array.from({ length: content.length / RECORD_BYTES }, (_, at) => at + 1));
      } else expect(numbersIn(content), path).toHaveLength(1);
    }

    writer.kill("SIGTERM");
    await once(writer, "exit");
    for (const running of [sending, receiving]) await running.stop();
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true, conflicts: 0 });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
  });
});
