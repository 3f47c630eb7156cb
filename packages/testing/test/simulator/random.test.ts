import { describe, expect, it } from "vitest";
import { createRandom, philox } from "../../src/simulator/random.js";

describe("philox", () => {
  // Known answers of the authors' library, Random123 (kat_vectors).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)("gives the published words for counter %o", (counter, key, words) => {
    expect(philox(counter, key)).toEqual(words);
  });
});

describe("createRandom", () => {
  it("gives the same stream for the same seed and name, whatever other streams did", () => {
    const alone = createRandom(7).stream("disk").bytes(101);
    const random = createRandom(7);
    random.stream("net").bytes(33);
    const stream = random.stream("disk");
    random.stream("disk").int(5);
    expect(stream.bytes(101)).toEqual(alone);
    expect(createRandom(8).stream("disk").bytes(101)).not.toEqual(alone);
    expect(createRandom(7).stream("disc").bytes(101)).not.toEqual(alone);
  });

  it("gives every value below the bound, about equally often", () => {
    const stream = createRandom(1).stream("die");
    const counts = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 6_000; i++) {
      const face = stream.int(6);
      counts[face] = (counts[face] ?? 0) + 1;
    }
    for (const count of counts) expect(count / 1_000).toBeCloseTo(1, 0);
    let hits = 0;
    for (let i = 0; i < 10_000; i++) if (stream.chance(0.25)) hits += 1;
    expect(hits / 10_000).toBeCloseTo(0.25, 1);
    expect([stream.chance(0), stream.chance(1)]).toEqual([false, true]);
  });

  it("refuses to pick from nothing", () => {
    const stream = createRandom(1).stream("pick");
    expect(["a", "b"]).toContain(stream.pick(["a", "b"]));
    expect(() => stream.pick([])).toThrow(RangeError);
  });
});
