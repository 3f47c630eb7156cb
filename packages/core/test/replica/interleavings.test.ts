import type { Transport } from "@twinfold/core";
import { TwinfoldError } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, textOf, texts, type TwinsOptions } from "./twins.js";

async function pair(options?: TwinsOptions) {
  const twins = await createTwins(["laptop", "phone"], options);
  const [laptop, phone] = twins.devices as [Device, Device];
  return { twins, laptop, phone };
}

describe("what happens between two steps of a replica", () => {
  it("an edit that the hub accepted just before this device's rename of the same file arrives here", async () => {
    let before: (() => Promise<unknown>) | undefined;
    const { twins, laptop, phone } = await pair({
      wrapTransport: (transport, device): Transport => ({
        ...transport,
        commit: async (...asked) => {
          const act = device === "laptop" ? before : undefined;
          before = undefined;
          await act?.();
          return await transport.commit(...asked);
        },
      }),
    });
    laptop.tree.write("x.txt", "one");
    await twins.settle();
    laptop.tree.rename("x.txt", "y.txt");
    phone.tree.write("x.txt", "two");
    before = () => phone.sync();
    await laptop.sync();
    await twins.settle();
    expect(texts(laptop.tree)).toEqual({ "y.txt": "two" });
    laptop.tree.write("y.txt", "three");
    await twins.settle();
    expect(texts(phone.tree)).toEqual({ "y.txt": "three" });
  });

  it("a resolver gets the whole of the other version, also when that has many chunks", async () => {
    const { twins, laptop, phone } = await pair({ resolve: async (conflict) => await conflict.theirs() });
    laptop.tree.write("big.bin", "base");
    await twins.settle();
    const large = new Uint8Array(8_000_000).map((_, index) => (index * 2_654_435_761) >>> 13);
    laptop.tree.write("big.bin", large);
    phone.tree.write("big.bin", "mine");
    await laptop.sync();
    expect(await phone.sync()).toMatchObject({ conflicts: 1 });
    await laptop.sync();
    const entry = laptop.tree.files().get("big.bin");
    expect(entry?.kind === "file" && Buffer.from(entry.bytes).equals(large)).toBe(true);
  });

  it("a name whose file's removal waits for a yes is not taken, and nothing comes back under a passing name", async () => {
    const { twins, laptop, phone } = await pair();
    for (let at = 0; at < 40; at++) laptop.tree.write(`f${at}`, `old ${at}`);
    await twins.settle();
    for (let at = 0; at < 40; at++) laptop.tree.rm(`f${at}`);
    await laptop.replica.sync({ confirm: true });
    laptop.tree.write("f1", "new");
    await laptop.sync();
    expect(await phone.sync()).toMatchObject({ awaitingConfirmation: { removals: 40 } });
    await phone.sync();
    expect(textOf(phone.tree.files().get("f1"))).toBe("old 1");
    await laptop.sync();
    expect(texts(laptop.tree)).toEqual({ f1: "new" });
    await phone.replica.sync({ confirm: true });
    expect(texts(phone.tree)).toEqual({ f1: "new" });
  });

  it("a file that cannot be put in its place is said, and stops nothing else", async () => {
    const { twins, laptop, phone } = await pair();
    const stage = phone.tree.stage.bind(phone.tree);
    phone.tree.stage = async (key) => {
      const staging = await stage(key);
      return {
        ...staging,
        sizeBytes: staging.sizeBytes,
        place: async (path, ...rest) => {
          if (path.startsWith("closed/")) throw new TwinfoldError("ERR_PERMISSION_DENIED", `${path} may not be written`);
          return await staging.place(path, ...rest);
        },
      };
    };
    laptop.tree.write("closed/a.txt", "a");
    laptop.tree.write("open.txt", "open");
    await laptop.sync();
    phone.tree.write("mine.txt", "mine");
    expect(await phone.sync()).toMatchObject({ filesDownloaded: 1, filesUploaded: 1, skipped: [{ path: "closed/a.txt" }] });
    await laptop.sync();
    expect(texts(laptop.tree)).toMatchObject({ "mine.txt": "mine" });
    expect(twins.devices).toHaveLength(2);
  });
});
