import { type ContentConflict, type LocalPath, mergeText } from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, texts } from "./twins.js";

const RUNS = Number(process.env.RUNS ?? 200);
const NOTES = "notes.txt" as LocalPath;
const encoder = new TextEncoder();

function conflictOf(base: string | Uint8Array | undefined, mine: string | Uint8Array, theirs: string | Uint8Array): ContentConflict {
  const version = (text: string | Uint8Array) => async () => (typeof text === "string" ? encoder.encode(text) : text);
  return { path: NOTES, mine: version(mine), theirs: version(theirs), base: base === undefined ? undefined : version(base) };
}

async function merged(...versions: Parameters<typeof conflictOf>): Promise<string | undefined> {
  const answer = await mergeText(conflictOf(...versions));
  return answer instanceof Uint8Array ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(answer) : answer;
}

/** Adds lines that nobody else has, each before the line of that index. */
function withLines(base: readonly string[], places: readonly number[], who: string): readonly string[] {
  return [...base, undefined].flatMap((line, index) => [
    ...places.flatMap((place, nth) => (place % (base.length + 1) === index ? [`${who} ${nth}`] : [])),
    ...(line === undefined ? [] : [line]),
  ]);
}

const join = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

describe("mergeText", () => {
  it("gives a text with every line that either side added and none that one took away, in each side's own order, or leaves the conflict", async () => {
    const places = fc.array(fc.nat(30), { maxLength: 4 });
    let merges = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(12), places, places, fc.option(fc.nat(11), { nil: -1 }), async (count, here, there, removed) => {
        const base = Array.from({ length: count }, (_, index) => `line ${index}`);
        const mine = withLines(base, here, "mine");
        const theirs = withLines(base, there, "theirs").filter((line) => line !== `line ${removed}`);
        const text = await merged(join(base), join(mine), join(theirs));
        expect(text).toBe(await merged(join(base), join(theirs), join(mine)));
        if (text === undefined) return;
        merges += 1;
        const lines = text.split("\n").slice(0, -1);
        expect(lines.filter((line) => !line.startsWith("theirs"))).toEqual(mine.filter((line) => line !== `line ${removed}`));
        expect(lines.filter((line) => !line.startsWith("mine"))).toEqual(theirs);
      }),
      { numRuns: RUNS },
    );
    expect(merges).toBeGreaterThan(RUNS / 10);
  });

  it("keeps line ends, a byte order mark and a last line without an end", async () => {
    expect(await merged("\ufeffa\r\nb\r\nc", "\ufeffa\r\nb\r\nc!", "\ufeffA\r\nb\r\nc")).toBe("\ufeffA\r\nb\r\nc!");
  });

  it("leaves what is no text, too long, without a common version, changed in one line, or all one line again and again", async () => {
    const long = "x\n".repeat(600_000);
    expect(await merged(undefined, "a\n", "b\n")).toBeUndefined();
    expect(await merged("a\n", "b\n", "c\n")).toBeUndefined();
    expect(await merged("a\0\nb\n", "a\0\nB\n", "A\0\nb\n")).toBeUndefined();
    expect(await merged(Uint8Array.of(0xff, 10, 98), Uint8Array.of(0xff, 10, 99), Uint8Array.of(0xff, 10, 98, 10))).toBeUndefined();
    expect(await merged(long, `${long}mine\n`, `theirs\n${long}`)).toBeUndefined();
    const same = "\n".repeat(5_000);
    expect(await merged(same, `${same}mine\n`, `theirs\n${same}`)).toBeUndefined();
  });
});

describe("two devices that merge text", () => {
  const LINES = ["first", "second", "third", "fourth", "fifth"];
  const MINE = join([...LINES, "from the phone"]);
  const THEIRS = join(["from the laptop", ...LINES]);
  const BOTH = join(["from the laptop", ...LINES, "from the phone"]);

  async function apart() {
    const twins = await createTwins(["laptop", "phone"], { resolve: mergeText });
    const [laptop, phone] = twins.devices as [Device, Device];
    laptop.tree.write(NOTES, join(LINES));
    await twins.settle();
    laptop.tree.write(NOTES, THEIRS);
    phone.tree.write(NOTES, MINE);
    await laptop.sync();
    return { twins, laptop, phone };
  }

  it("have one file with both sides' lines, and both versions among its revisions", async () => {
    const { twins, laptop, phone } = await apart();
    await twins.settle();
    for (const { tree } of [laptop, phone]) expect(texts(tree)).toEqual({ [NOTES]: BOTH });
    expect(phone.tree.trashed().map(({ path }) => path)).toContain(NOTES);
    const revisions = [...(await laptop.replica.revisions(NOTES))].reverse();
    for (const { revision } of revisions) {
      await laptop.replica.restore(NOTES, revision);
      await twins.settle();
      expect(texts(phone.tree)).toEqual({ [NOTES]: [join(LINES), THEIRS, MINE, BOTH][revision - 1] });
    }
    expect(revisions).toHaveLength(4);
  });

  it("have it also when the one that merged died at whichever write, or call of the hub", async () => {
    for (const failing of ["write", "commit"] as const) {
      for (let survived = 0, ended = false; !ended; survived++) {
        let left = survived;
        const die = (): void => {
          left -= 1;
          if (left < 0) throw new Error("the process died");
        };
        const twins = await createTwins(["laptop", "phone"], {
          resolve: mergeText,
          wrapTransport: (transport, device) => ({
            ...transport,
            commit: async (...args) => {
              const answer = await transport.commit(...args);
              if (device === "phone" && failing === "commit" && isDying) die();
              return answer;
            },
          }),
        });
        let isDying = false;
        const [laptop, phone] = twins.devices as [Device, Device];
        laptop.tree.write(NOTES, join(LINES));
        await twins.settle();
        laptop.tree.write(NOTES, THEIRS);
        phone.tree.write(NOTES, MINE);
        await laptop.sync();
        const write = phone.store.write.bind(phone.store);
        if (failing === "write") {
          phone.store.write = async (...args) => {
            die();
            await write(...args);
          };
        }
        isDying = true;
        ended = await phone.sync().then(
          () => true,
          () => false,
        );
        isDying = false;
        phone.store.write = write;
        await phone.restart();
        await twins.settle();
        for (const { tree } of [laptop, phone]) expect(texts(tree)).toEqual({ [NOTES]: BOTH });
      }
    }
  });

  it("keep both files where the changes meet", async () => {
    const { twins, laptop, phone } = await apart();
    phone.tree.write(NOTES, join(["from the phone", ...LINES]));
    await twins.settle();
    expect(Object.keys(texts(laptop.tree))).toHaveLength(2);
  });
});
