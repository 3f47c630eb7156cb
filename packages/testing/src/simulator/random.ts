/** A sequence of choices that depends on its seed and name alone: what other streams gave does not move it. */
export interface RandomStream {
  /** A whole number from 0 to `bound` - 1. */
  int(bound: number): number;
  /** True in `probability` of the cases. */
  chance(probability: number): boolean;
  /** One element of a list that is not empty. */
  pick<Item>(list: readonly Item[]): Item;
  bytes(length: number): Uint8Array;
}

export interface Random {
  /** The stream of that name, from its beginning. */
  stream(name: string): RandomStream;
}

export function createRandom(seed: number): Random {
  return { stream: (name) => createStream(keyOf(`${seed}/${name}`)) };
}

type Words = readonly [number, number, number, number];
type Key = readonly [number, number];

function createStream(key: Key): RandomStream {
  let blocks = 0;
  let words: Words = [0, 0, 0, 0];
  let used = 4;

  function word(): number {
    if (used === 4) {
      words = philox([blocks >>> 0, Math.floor(blocks / 2 ** 32), 0, 0], key);
      blocks += 1;
      used = 0;
    }
    return words[used++] as number;
  }

  /** 53 bits, from 0 to below 1. */
  const fraction = (): number => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53;
  const int = (bound: number): number => Math.floor(fraction() * bound);

  return {
    int,
    chance: (probability) => fraction() < probability,
    pick<Item>(list: readonly Item[]): Item {
      if (list.length === 0) throw new RangeError("cannot pick from an empty list");
      return list[int(list.length)] as Item;
    },
    bytes(length) {
      const bytes = new Uint8Array(length);
      const view = new DataView(bytes.buffer);
      for (let at = 0; at < length; at += 4) {
        if (at + 4 <= length) view.setUint32(at, word(), true);
        else for (let rest = word(), i = at; i < length; i++, rest >>>= 8) bytes[i] = rest & 255;
      }
      return bytes;
    },
  };
}

/**
 * Philox4x32-10: four words as a pure function of a counter and a key.
 *
 * Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
 */
export function philox([c0, c1, c2, c3]: Words, [k0, k1]: Key): Words {
  for (let round = 0; round < 10; round++) {
    const high0 = highProduct(0xd2511f53, c0);
    const high1 = highProduct(0xcd9e8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** The upper 32 bits of the unsigned product. */
function highProduct(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  return (aHigh * bHigh + Math.floor((middle + aLow * bHigh) / 0x10000)) | 0;
}

/** 64 bits of a text: FNV-1a over its UTF-16 units from two starts, each mixed as MurmurHash3 ends. */
function keyOf(text: string): Key {
  const half = (start: number): number => {
    let hash = start;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) | 0;
  };
  return [half(0x811c9dc5), half(0x2545f491)];
}
