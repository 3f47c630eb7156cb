// How fast files are cut and hashed, beside what else there is: `node bench/micro/chunker.mjs [--json] [--rounds N]`, after `npm run build`.
// Only ratios of one run count: every round measures all of them, one after another, and the median of the rounds' ratios is printed.
import { createHash, randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import dstanesc from "@dstanesc/wasm-chunking-fastcdc-node";
import { createFsLocalTree, initializeRoot } from "@twinfold/adapter-fs";
import { chunkBytes, chunkProfileFor } from "@twinfold/core";
import fastcdcWasm from "fastcdc-wasm";

const MIB = 1024 * 1024;
/** Larger than the processor's caches. */
const BUFFER_BYTES = 64 * MIB;
/** Two files, for a file is never cut by two threads: together 1 GiB. */
const FILES = ["first", "second"];
const FILE_BYTES = 512 * MIB;
const PLAIN_READ_BYTES = MIB;

const { values } = parseArgs({ options: { json: { type: "boolean", default: false }, rounds: { type: "string", default: "7" } } });
const rounds = Number(values.rounds);

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** MB/s of each candidate in each round. One round more comes before, for the compilers. */
async function measure(candidates, sizeBytes) {
  const speeds = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, work] of Object.entries(candidates)) {
      const startedAt = performance.now();
      await work();
      if (round > 0) speeds[name].push(sizeBytes / 1_000 / (performance.now() - startedAt));
    }
  }
  return speeds;
}

/** How many times as fast as `base` each one is. */
function ratios(speeds, base) {
  return Object.fromEntries(Object.entries(speeds).map(([name, each]) => [name, median(each.map((speed, round) => speed / speeds[base][round]))]));
}

async function chunkOnly() {
  const bytes = new Uint8Array(randomBytes(BUFFER_BYTES));
  const profile = chunkProfileFor(BUFFER_BYTES);
  const { minBytes, averageBytes, maxBytes } = profile;
  return await measure(
    {
      twinfold: () => chunkBytes(bytes, profile),
      "@dstanesc/wasm-chunking-fastcdc-node": () => dstanesc.compute_chunks(bytes, minBytes, averageBytes, maxBytes),
      "fastcdc-wasm": () => fastcdcWasm.get_chunks(bytes, minBytes, averageBytes, maxBytes),
    },
    BUFFER_BYTES,
  );
}

function readAndHash(path) {
  const [hash, piece] = [createHash("sha256"), new Uint8Array(PLAIN_READ_BYTES)];
  const descriptor = openSync(path, "r");
  for (let count = readSync(descriptor, piece); count > 0; count = readSync(descriptor, piece)) hash.update(piece.subarray(0, count));
  closeSync(descriptor);
  return hash.digest();
}

async function fromFiles() {
  const root = mkdtempSync(join(tmpdir(), "twinfold-bench-"));
  try {
    const { rootId } = await initializeRoot({ root, workspaceId: "0".repeat(32) });
    for (const name of FILES) {
      const descriptor = openSync(join(root, name), "w");
      for (let written = 0; written < FILE_BYTES; written += BUFFER_BYTES) writeSync(descriptor, randomBytes(BUFFER_BYTES));
      closeSync(descriptor);
    }
    const tree = createFsLocalTree({ root, rootId });
    const stats = await Promise.all(FILES.map((name) => tree.stat(name)));
    const cut = (name, index) => tree.cut(name, stats[index]);
    const speeds = await measure(
      {
        plain: () => FILES.map((name) => readAndHash(join(root, name))),
        "one thread": async () => {
          for (const [index, name] of FILES.entries()) await cut(name, index);
        },
        "two threads": () => Promise.all(FILES.map(cut)),
      },
      FILES.length * FILE_BYTES,
    );
    await tree.close();
    return speeds;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function report(title, base, speeds, targets) {
  const rows = Object.entries(ratios(speeds, base)).map(([name, ratio]) => ({
    name,
    ratio,
    mbPerSecond: median(speeds[name]),
    target: targets[name],
  }));
  return { title, base, rows };
}

function print({ title, base, rows }) {
  console.log(`${title}, times ${base}:`);
  for (const { name, ratio, mbPerSecond, target } of rows) {
    const verdict = target === undefined ? "" : `   target ${target.toFixed(2)}: ${ratio >= target ? "reached" : "MISSED"}`;
    console.log(`  ${name.padEnd(38)} ${ratio.toFixed(2).padStart(5)}   ${mbPerSecond.toFixed(0).padStart(6)} MB/s${verdict}`);
  }
}

const chunking = await chunkOnly();
const [fastestPeer] = Object.keys(chunking)
  .filter((name) => name !== "twinfold")
  .sort((a, b) => median(chunking[b]) - median(chunking[a]));
const reports = [
  report("cut 64 MiB of random bytes at 64 KiB on average", fastestPeer, chunking, { twinfold: 2 }),
  report("read, cut and hash 1 GiB from the page cache, against reading and hashing it", "plain", await fromFiles(), {
    "one thread": 0.7,
    "two threads": 1.3,
  }),
];
if (values.json) console.log(JSON.stringify({ node: process.version, rounds, reports }));
else reports.forEach(print);
