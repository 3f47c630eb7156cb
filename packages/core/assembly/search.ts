// The inner loop of FastCDC v2020, in AssemblyScript. `node scripts/build-search.mjs` compiles it into src/chunking/search-module.ts.
// Source: Xia et al., "The Design of Fast Content-Defined Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 31(9), 2020.

/** A byte's gear moves up one bit with each byte after it: 64 bytes later nothing of it is left in the hash. */
const REACH_BYTES: usize = 64;

let hash: u64 = 0;

/**
 * Where the first byte from `at` to `end` is after which the hash has none of a mask's bits: of `below` before `center`, of `above` from there; `end` when
 * there is none. The hash begins at `first`. All of them are positions in the memory.
 *
 * No published mask has a bit beyond 47, so a double holds it.
 */
export function search(first: usize, at: usize, center: usize, end: usize, below: f64, above: f64): usize {
  hash = 0;
  for (let i = max(first, at - min(at, REACH_BYTES)); i < at; i++) hash = (hash << 1) + gear(i);
  const cut = searchFor(at, min(center, end), <u64>below);
  return cut < min(center, end) ? cut : searchFor(max(at, center), end, <u64>above);
}

/**
 * Sixteen bytes in a round, for the engine looks at each round whether it is to stop, and that costs as much as a byte. The published algorithm looks at two
 * bytes in a step, the first of them one bit up: no mask has the bit that is lost so, and the cuts are the same.
 */
function searchFor(at: usize, end: usize, mask: u64): usize {
  let rolled = hash;
  for (; at + 15 < end; at += 16) {
    rolled = (rolled << 1) + gear(at);
    if ((rolled & mask) === 0) return at;
    rolled = (rolled << 1) + gear(at + 1);
    if ((rolled & mask) === 0) return at + 1;
    rolled = (rolled << 1) + gear(at + 2);
    if ((rolled & mask) === 0) return at + 2;
    rolled = (rolled << 1) + gear(at + 3);
    if ((rolled & mask) === 0) return at + 3;
    rolled = (rolled << 1) + gear(at + 4);
    if ((rolled & mask) === 0) return at + 4;
    rolled = (rolled << 1) + gear(at + 5);
    if ((rolled & mask) === 0) return at + 5;
    rolled = (rolled << 1) + gear(at + 6);
    if ((rolled & mask) === 0) return at + 6;
    rolled = (rolled << 1) + gear(at + 7);
    if ((rolled & mask) === 0) return at + 7;
    rolled = (rolled << 1) + gear(at + 8);
    if ((rolled & mask) === 0) return at + 8;
    rolled = (rolled << 1) + gear(at + 9);
    if ((rolled & mask) === 0) return at + 9;
    rolled = (rolled << 1) + gear(at + 10);
    if ((rolled & mask) === 0) return at + 10;
    rolled = (rolled << 1) + gear(at + 11);
    if ((rolled & mask) === 0) return at + 11;
    rolled = (rolled << 1) + gear(at + 12);
    if ((rolled & mask) === 0) return at + 12;
    rolled = (rolled << 1) + gear(at + 13);
    if ((rolled & mask) === 0) return at + 13;
    rolled = (rolled << 1) + gear(at + 14);
    if ((rolled & mask) === 0) return at + 14;
    rolled = (rolled << 1) + gear(at + 15);
    if ((rolled & mask) === 0) return at + 15;
  }
  for (; at < end; at++) {
    rolled = (rolled << 1) + gear(at);
    if ((rolled & mask) === 0) return at;
  }
  hash = rolled;
  return end;
}

/** The gear is at the start of the memory, where the host has put it: 256 numbers of 64 bits. */
function gear(at: usize): u64 {
  return load<u64>((<usize>load<u8>(at)) << 3);
}
