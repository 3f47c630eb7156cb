import { createCipheriv, createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const MIB = 1024 * 1024;
const FILES_PER_DIRECTORY = 500;

/** How much there is of everything. `quick` shows in minutes that all works, and about how things stand. */
export const SCALES = {
  full: {
    d1Bytes: 1024 * MIB,
    d2: { files: 5_000, bytes: 500_000_000 },
    d3Files: 50_000,
    d4Bytes: 100_000_000,
    watchedFiles: 50_000,
    trials: 100,
    hugeBytes: 10_000_000_000,
    manyFiles: 500_000,
  },
  quick: {
    d1Bytes: 96 * MIB,
    d2: { files: 500, bytes: 50_000_000 },
    d3Files: 2_500,
    d4Bytes: 20_000_000,
    watchedFiles: 2_000,
    trials: 20,
    hugeBytes: 1_000_000_000,
    manyFiles: 50_000,
  },
};

/** The sizes of a scale, as people read them. */
export function describeScale({ d1Bytes, d2, d3Files, d4Bytes, watchedFiles, trials, hugeBytes, manyFiles }) {
  const count = (number) => number.toLocaleString("en-US");
  const megabytes = (bytes) => `${count(Math.round(bytes / 1e6))} MB`;
  return [
    `D1 is one file of ${megabytes(d1Bytes)}, D2 ${count(d2.files)} files of ${megabytes(d2.bytes)} together, D3 ${count(d3Files)} files of 1 to 4 KB, all of random bytes`,
    `D4 is a text of ${megabytes(d4Bytes)}`,
    `latency is that of ${trials} files beside ${count(watchedFiles)} others`,
    `the huge file has ${megabytes(hugeBytes)}, and many files are ${count(manyFiles)}`,
  ].join("; ");
}

/** Random numbers and bytes that come again with the same seed: AES-256-CTR over zeros, keyed with the seed's hash. */
export function seededRandom(seed) {
  const stream = createCipheriv("aes-256-ctr", createHash("sha256").update(String(seed)).digest(), Buffer.alloc(16));
  const zeros = Buffer.alloc(MIB);
  const bytes = (length) => stream.update(length <= MIB ? zeros.subarray(0, length) : Buffer.alloc(length));
  return {
    bytes,
    /** An integer from 0 to `bound` − 1. */
    below: (bound) => bytes(6).readUIntBE(0, 6) % bound,
  };
}

/** One file of random bytes: nothing in it can be compressed or found twice. */
export function writeRandomFile(path, sizeBytes, seed) {
  const random = seededRandom(seed);
  const file = openSync(path, "w");
  for (let left = sizeBytes; left > 0; left -= MIB) writeSync(file, random.bytes(Math.min(left, MIB)));
  closeSync(file);
}

/** D1: one file. */
export function writeD1(folder, { d1Bytes }) {
  writeRandomFile(join(folder, "d1.bin"), d1Bytes, "D1");
}

/** D2: files of 20 % to 180 % of their mean size, random bytes, in directories of 500. */
export function writeD2(folder, { d2 }) {
  const mean = d2.bytes / d2.files;
  writeFiles(folder, d2.files, "D2", (random) => Math.round(mean * (0.2 + (1.6 * random.below(1_000_001)) / 1_000_000)));
}

/** D3: small files, 1 to 4 KB of random bytes each, in directories of 500. */
export function writeD3(folder, { d3Files }) {
  writeSmallFiles(folder, d3Files, "D3");
}

export function writeSmallFiles(folder, count, seed) {
  writeFiles(folder, count, seed, (random) => 1_000 + random.below(3_001));
}

/** D4: one text. */
export function writeD4(folder, { d4Bytes }) {
  writeFileSync(join(folder, "d4.txt"), text(d4Bytes, "D4"));
}

function writeFiles(folder, count, seed, sizeOf) {
  const random = seededRandom(seed);
  for (let at = 0; at < count; at++) {
    const directory = join(folder, `directory-${Math.floor(at / FILES_PER_DIRECTORY)}`);
    if (at % FILES_PER_DIRECTORY === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `file-${at}.bin`), random.bytes(sizeOf(random)));
  }
}

const SYLLABLES = ["an", "ber", "con", "de", "el", "for", "ga", "hi", "in", "ka", "lo", "ment", "no", "or", "pre", "ri", "sta", "ter", "un", "ver"];
const VOCABULARY = 20_000;

/** Sentences of made-up words. The k-th most frequent word comes about 1/k as often as the first, as in any language (Zipf, 1949). */
function text(sizeBytes, seed) {
  const random = seededRandom(seed);
  const words = Array.from({ length: VOCABULARY }, () => Array.from({ length: 1 + random.below(4) }, () => SYLLABLES[random.below(20)]).join(""));
  const byDraw = Array.from({ length: 65_536 }, (_, draw) => words[Math.floor(VOCABULARY ** (draw / 65_536)) - 1]);
  const out = Buffer.alloc(sizeBytes);
  let at = 0;
  let inSentence = 0;
  while (at < sizeBytes) {
    const draws = random.bytes(65_536);
    for (let draw = 0; draw < draws.length && at < sizeBytes; draw += 2) {
      inSentence += 1;
      const end = inSentence > 6 && draws[draw] < 26;
      at += out.latin1Write(`${byDraw[draws.readUInt16LE(draw)]}${end ? ".\n" : " "}`, at, Math.min(32, sizeBytes - at));
      if (end) inSentence = 0;
    }
  }
  return out;
}
