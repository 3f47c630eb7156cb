import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeFileSystem } from "@twinfold/adapter-fs";
import type { FileSystem } from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../src/simulator/random.js";
import { createSimDisk } from "../../src/simulator/sim-disk.js";

const BASE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const RUNS = Number(process.env.RUNS ?? 300);

const path = fc.constantFrom("a", "b", "d", "d/a", "d/e", "d/e/a", "l", "l/a", "a/b", "d/../a", "d/./a");
const bytes = fc.constantFrom("", "one", "twelve bytes").map((text) => new TextEncoder().encode(text));

interface Step {
  readonly title: string;
  /** What the call answers, without what two disks do not share. */
  readonly run: (fs: FileSystem, at: (path: string) => string) => Promise<unknown>;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ on: path, put: bytes, position: fc.nat(5), cut: fc.option(fc.nat(10)), mode: fc.constantFrom("read-write", "create-exclusive") }).map(
    ({ on, put, position, cut, mode }): Step => ({
      title: `${mode} ${on}`,
      run: async (fs, at) => {
        const file = await fs.open(at(on), mode as "read-write" | "create-exclusive");
        try {
          await file.write(put, position);
          if (cut !== null) await file.truncate(cut);
          await file.chmod(0o640);
          await file.setMtime(-1_234_567n);
          await file.sync();
          const { kind, sizeBytes, mtimeNs, mode: set, links } = await file.stat();
          return [kind, sizeBytes, mtimeNs, set, links];
        } finally {
          await file.close();
        }
      },
    }),
  ),
  fc.record({ on: path }).map(
    ({ on }): Step => ({
      title: `read ${on}`,
      run: async (fs, at) => {
        const file = await fs.open(at(on), "read");
        try {
          const into = new Uint8Array(20);
          return [...into.subarray(0, await file.read(into, 1))];
        } finally {
          await file.close();
        }
      },
    }),
  ),
  fc.record({ on: path }).map(
    ({ on }): Step => ({
      title: `lstat ${on}`,
      run: async (fs, at) => {
        const { kind, sizeBytes, mode, links } = await fs.lstat(at(on));
        return kind === "file" ? [kind, sizeBytes, mode, links] : kind;
      },
    }),
  ),
  fc.record({ on: path }).map(
    ({ on }): Step => ({
      title: `readdir ${on}`,
      run: async (fs, at) => (await fs.readdir(at(on))).map((name) => new TextDecoder().decode(name)).sort(),
    }),
  ),
  fc
    .record({ on: path })
    .map(({ on }): Step => ({ title: `realpath ${on}`, run: async (fs, at) => (await fs.realpath(at(on))).replace(at("").slice(0, -1), "") })),
  fc
    .record({ call: fc.constantFrom("readlink", "mkdir", "unlink", "rmdir", "syncDirectory"), on: path })
    .map(({ call, on }): Step => ({ title: `${call} ${on}`, run: (fs, at) => fs[call as "mkdir"](at(on)) })),
  fc
    .record({ call: fc.constantFrom("rename", "link"), from: path, to: path })
    .map(({ call, from, to }): Step => ({ title: `${call} ${from} ${to}`, run: (fs, at) => fs[call as "rename"](at(from), at(to)) })),
  fc
    .record({ target: fc.constantFrom("a", "d", "l", "nowhere"), on: path })
    .map(({ target, on }): Step => ({ title: `symlink ${target} ${on}`, run: (fs, at) => fs.symlink(target, at(on)) })),
);

async function answer(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return (error as { readonly code?: string }).code ?? error;
  }
}

describe("createSimDisk", () => {
  it.runIf(process.platform === "linux")("answers any sequence of calls as Linux does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const folder = mkdtempSync(join(BASE, "twinfold-"));
        try {
          const disk = createSimDisk({ nowMs: () => 0, random: createRandom(1).stream("disk") });
          disk.people.mkdir("/folder");
          const real = createNodeFileSystem();
          const done: string[] = [];
          for (const { title, run } of steps) {
            done.push(title);
            const expected = await answer(() => run(real, (on) => `${folder}/${on}`));
            const given = await answer(() => run(disk.fileSystem, (on) => `/folder/${on}`));
            expect(given, done.join(", ")).toEqual(expected);
          }
        } finally {
          rmSync(folder, { recursive: true });
        }
      }),
      { numRuns: RUNS },
    );
  });
});
