import { appendFileSync, copyFileSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom, writeD1, writeD2, writeD4 } from "../data-sets.mjs";
import { withPair } from "../pair.mjs";
import { arrival, assertTwins, namesIn } from "../twins.mjs";

const COMPETITORS = ["twinfold", "syncthing", "rsync", "rsync-z", "unison"];
const PIECE_BYTES = 50;
const PIECES = 100;

/** A time stamp for each state of a file, 10 s apart: some compare times to the second, and none may take an edit for what it knows. */
const FIRST_TIME_SECONDS = 1_700_000_000;

const EDITS_OF_TEXT = [
  edit("edit-insert-1", "1 byte before D4", (bytes) => Buffer.concat([Buffer.from("x"), bytes])),
  edit("edit-replace-100", "100 bytes replaced in the middle of D4", (bytes, random) => {
    random.bytes(100).copy(bytes, Math.floor(bytes.length / 2));
    return bytes;
  }),
  edit("edit-overwrites", `${PIECES} scattered overwrites of ${PIECE_BYTES} bytes in D4`, (bytes, random) => {
    for (let at = 0; at < PIECES; at++) random.bytes(PIECE_BYTES).copy(bytes, random.below(bytes.length - PIECE_BYTES));
    return bytes;
  }),
  edit("edit-inserts", `${PIECES} scattered inserts of ${PIECE_BYTES} bytes in D4`, (bytes, random) => {
    const places = Array.from({ length: PIECES }, () => random.below(bytes.length)).sort((a, b) => a - b);
    const pieces = places.flatMap((place, index) => [bytes.subarray(places[index - 1] ?? 0, place), random.bytes(PIECE_BYTES)]);
    return Buffer.concat([...pieces, bytes.subarray(places.at(-1))]);
  }),
  { id: "rename-file", title: "D4 renamed", apply: (a) => renameSync(join(a, "d4.txt"), join(a, "renamed.txt")) },
  { id: "duplicate-file", title: "D4 duplicated", apply: (a) => copyFileSync(join(a, "renamed.txt"), join(a, "copy.txt")) },
];

function edit(id, title, change) {
  return {
    id,
    title,
    apply(a, random, step) {
      const path = join(a, "d4.txt");
      writeFileSync(path, change(readFileSync(path), random));
      stamp(path, step);
    },
  };
}

function stamp(path, step) {
  utimesSync(path, FIRST_TIME_SECONDS + 10 * step, FIRST_TIME_SECONDS + 10 * step);
}

/** Applies each edit to A, one after the other, and counts what crosses a device's sockets until B has it: of two devices, the one with more. */
async function measureEdits(edits, { pair, processes, a, b }) {
  const random = seededRandom("edits");
  await (pair.begin ?? pair.pass)();
  const rows = {};
  for (const [index, { id, apply }] of edits.entries()) {
    await pair.settled?.();
    apply(a, random, index + 1);
    const before = pair.wire();
    const figures = await processes.measure(pair.pass);
    await pair.settled?.();
    assertTwins(a, b);
    rows[id] = { ...figures, wireBytes: Math.max(...Object.entries(pair.wire()).map(([role, bytes]) => bytes - before[role])) };
  }
  return rows;
}

function rowsOf(edits) {
  return edits.map(({ id, title }) => ({ id, title, figure: "wireBytes" }));
}

/** Edits of a 100 MB text, one after the other: bytes on a device's wire until the other folder is its twin again. */
const textEdits = {
  name: "edits-d4",
  oncePerRun: true,
  competitors: COMPETITORS,
  rows: rowsOf(EDITS_OF_TEXT),
  measure(context) {
    const fill = (a) => {
      writeD4(a, context.scale);
      stamp(join(a, "d4.txt"), 0);
    };
    return withPair(context, { fill, counted: true, needBytes: 10 * context.scale.d4Bytes }, (open) => measureEdits(EDITS_OF_TEXT, open));
  },
};

const APPEND = [
  {
    id: "append-1-mb",
    title: "1 MB appended to D1",
    apply(a, random, step) {
      appendFileSync(join(a, "d1.bin"), random.bytes(1_000_000));
      stamp(join(a, "d1.bin"), step);
    },
  },
];

/** 10⁶ random bytes appended to D1: bytes on a device's wire. */
const append = {
  name: "append-d1",
  oncePerRun: true,
  competitors: COMPETITORS,
  rows: rowsOf(APPEND),
  measure(context) {
    const fill = (a) => {
      writeD1(a, context.scale);
      stamp(join(a, "d1.bin"), 0);
    };
    return withPair(context, { fill, counted: true, needBytes: 4 * context.scale.d1Bytes }, (open) => measureEdits(APPEND, open));
  },
};

/**
 * A directory that holds all of D2 gets another name: bytes on a device's wire for one pass, and the time until the other folder has it. Who watches is timed while
 * following; who does not, by its pass.
 */
const moveDirectory = {
  name: "move-directory",
  oncePerRun: true,
  competitors: COMPETITORS,
  rows: [
    { id: "move-directory", title: "a directory of D2's files moved", figure: "wireBytes" },
    { id: "move-directory-time", title: "a directory of D2's files moved", figure: "seconds" },
  ],
  measure(context) {
    const fill = (a) => {
      mkdirSync(join(a, "photos"));
      writeD2(join(a, "photos"), context.scale);
    };
    const rename = (from, to) => ({ id: "move-directory", apply: (a) => renameSync(join(a, from), join(a, to)) });
    return withPair(context, { fill, counted: true, needBytes: 5 * context.scale.d2.bytes }, async (open) => {
      const rows = await measureEdits([rename("photos", "pictures")], open);
      if (open.pair.watches !== true) return { ...rows, "move-directory-time": rows["move-directory"] };
      return { ...rows, "move-directory-time": await timeWhileFollowing(rename("pictures", "images"), open) };
    });
  },
};

async function timeWhileFollowing({ apply }, { pair, processes, a, b }) {
  await pair.follow();
  writeFileSync(join(a, "marker"), "both follow when this has arrived");
  await arrival(b, new Map([[".", ["marker"]]]), processes);
  const figures = await processes.measure(async () => {
    apply(a);
    await arrival(b, namesIn(a), processes);
  });
  assertTwins(a, b);
  return figures;
}

export const edits = [textEdits, append, moveDirectory];
