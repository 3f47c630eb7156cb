// The inner loop of FastCDC v2020, in AssemblyScript. `node scripts/build-search.mjs` compiles it into src/chunking/search-module.ts.
// Source: Xia et al., "The Design of Fast Content-Defined Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 31(9), 2020.

/** The host puts the gear at the start of the memory: 256 numbers of 64 bits, and behind them the same, each shifted up by one bit. */
const SHIFTED_GEAR = 2_048;

/** A byte's gear moves up one bit with each byte after it: 64 bytes later nothing of it is left in the hash. */
const REACH_BYTES: usize = 64;

let hash: u64 = 0;

/**
 * Where the first byte from `at` to `end` is after which the hash has none of a mask's bits: of `below` before `center`, of `above` from there; `end` when
 * there is none. The hash begins at `first`. All of them are positions in the memory, whole pairs of bytes apart.
 *
 * No published mask has a bit beyond 47, so a double holds it.
 */
export function search(first: usize, at: usize, center: usize, end: usize, below: f64, above: f64): usize {
  hash = 0;
  for (let i = max(first, at - min(at, REACH_BYTES)); i < at; i += 2) hash = (hash << 2) + shiftedGear(i) + gear(i + 1);
  const cut = searchPairs(at, min(center, end), <u64>below);
  return cut < min(center, end) ? cut : searchPairs(max(at, center), end, <u64>above);
}

/**
 * Two bytes in a step, as published: the first is compared one bit up, before it gets there. Eight steps in a round, for the engine looks at each round whether it
 * is to stop: 1.5 times as fast. The hash of a step needs the one before it for a shift and one addition only.
 */
function searchPairs(at: usize, end: usize, mask: u64): usize {
  const maskUp = mask << 1;
  let rolled = hash;
  let up: u64 = 0;
  let first: u64 = 0;
  for (; at + 15 < end; at += 16) {
    up = rolled << 2;
    first = shiftedGear(at);
    if (((up + first) & maskUp) === 0) return at;
    rolled = up + (first + gear(at + 1));
    if ((rolled & mask) === 0) return at + 1;

    up = rolled << 2;
    first = shiftedGear(at + 2);
    if (((up + first) & maskUp) === 0) return at + 2;
    rolled = up + (first + gear(at + 3));
    if ((rolled & mask) === 0) return at + 3;

    up = rolled << 2;
    first = shiftedGear(at + 4);
    if (((up + first) & maskUp) === 0) return at + 4;
    rolled = up + (first + gear(at + 5));
    if ((rolled & mask) === 0) return at + 5;

    up = rolled << 2;
    first = shiftedGear(at + 6);
    if (((up + first) & maskUp) === 0) return at + 6;
    rolled = up + (first + gear(at + 7));
    if ((rolled & mask) === 0) return at + 7;

    up = rolled << 2;
    first = shiftedGear(at + 8);
    if (((up + first) & maskUp) === 0) return at + 8;
    rolled = up + (first + gear(at + 9));
    if ((rolled & mask) === 0) return at + 9;

    up = rolled << 2;
    first = shiftedGear(at + 10);
    if (((up + first) & maskUp) === 0) return at + 10;
    rolled = up + (first + gear(at + 11));
    if ((rolled & mask) === 0) return at + 11;

    up = rolled << 2;
    first = shiftedGear(at + 12);
    if (((up + first) & maskUp) === 0) return at + 12;
    rolled = up + (first + gear(at + 13));
    if ((rolled & mask) === 0) return at + 13;

    up = rolled << 2;
    first = shiftedGear(at + 14);
    if (((up + first) & maskUp) === 0) return at + 14;
    rolled = up + (first + gear(at + 15));
    if ((rolled & mask) === 0) return at + 15;
  }
  for (; at < end; at += 2) {
    up = rolled << 2;
    first = shiftedGear(at);
    if (((up + first) & maskUp) === 0) return at;
    rolled = up + (first + gear(at + 1));
    if ((rolled & mask) === 0) return at + 1;
  }
  hash = rolled;
  return end;
}

function gear(at: usize): u64 {
  return load<u64>((<usize>load<u8>(at)) << 3);
}

function shiftedGear(at: usize): u64 {
  return load<u64>((<usize>load<u8>(at)) << 3, SHIFTED_GEAR);
}
