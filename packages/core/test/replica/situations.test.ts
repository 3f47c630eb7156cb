import { commitCodec, decode, type Transport } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { carryOut, filesOf, SITUATIONS } from "./situations.js";
import { createTwins, type Device, texts } from "./twins.js";

describe("what happens to a file", () => {
  for (const situation of SITUATIONS) {
    it(`${situation.situation}: ${situation.outcome}`, async () => {
      const { twins, conflicts } = await carryOut(situation);
      expect(filesOf(twins)).toEqual([situation.expected, situation.expected]);
      expect(conflicts).toBe(situation.conflicts ?? 0);
    });
  }
});

/** Two devices in step, whose calls are counted from then on. */
async function counted(fill: (tree: Device["tree"]) => void) {
  const calls = { changes: 0, asked: 0, drafts: 0, chunksUp: 0, chunksDown: 0, moves: 0, staged: 0 };
  const twins = await createTwins(["laptop", "phone"], {
    wrapTransport: (transport): Transport => ({
      ...transport,
      commit: async (ask, options) => {
        calls.changes += decode(commitCodec, ask.commit).changes.length;
        return await transport.commit(ask, options);
      },
      missing: async (ask, options) => {
        calls.asked += ask.chunkIds.length;
        return await transport.missing(ask, options);
      },
      draft: async (ask, options) => {
        calls.drafts += 1;
        return await transport.draft(ask, options);
      },
      upload: async (ask, options) => {
        calls.chunksUp += ask.frames.length;
        return await transport.upload(ask, options);
      },
      download: (ask, options) => {
        calls.chunksDown += ask.chunkIds.length;
        return transport.download(ask, options);
      },
    }),
    wrapTree: (tree) => ({
      ...tree,
      move: async (from, to, expected) => {
        calls.moves += 1;
        return await tree.move(from, to, expected);
      },
      stage: async (key) => {
        calls.staged += 1;
        return await tree.stage(key);
      },
    }),
  });
  const [laptop, phone] = twins.devices as [Device, Device];
  fill(laptop.tree);
  await twins.settle();
  for (const name of Object.keys(calls) as Array<keyof typeof calls>) calls[name] = 0;
  return { twins, laptop, phone, calls };
}

function manyFiles(tree: Device["tree"], directory: string): void {
  for (let at = 0; at < 1_200; at++) tree.write(`${directory}/d${at % 30}/${at}.txt`, `text ${at}`);
}

describe("what it costs", () => {
  it("a directory of 1,200 files is moved and renamed as one change on the wire and one rename on the other disk", async () => {
    const { twins, laptop, phone, calls } = await counted((tree) => {
      manyFiles(tree, "letters");
      tree.mkdir("archive");
    });
    laptop.tree.rename("letters", "archive/old letters");
    await twins.settle();
    expect(calls).toEqual({ changes: 1, asked: 0, drafts: 0, chunksUp: 0, chunksDown: 0, moves: 1, staged: 0 });
    expect(Object.keys(texts(phone.tree))).toHaveLength(1_200);
    expect(texts(phone.tree)["archive/old letters/d3/33.txt"]).toBe("text 33");
  });

  it("a copy of a directory of 1,200 files sends no content and asks about none, and the other device fetches none", async () => {
    const { twins, laptop, phone, calls } = await counted((tree) => manyFiles(tree, "letters"));
    manyFiles(laptop.tree, "copy");
    await twins.settle();
    expect(calls).toMatchObject({ changes: 1_231, asked: 0, drafts: 0, chunksUp: 0, chunksDown: 0 });
    expect(texts(phone.tree)["copy/d3/33.txt"]).toBe("text 33");
    expect(Object.keys(texts(phone.tree))).toHaveLength(2_400);
  });

  it("two folders with the same 1,200 files are linked without a conflict; the later sends and fetches no content", async () => {
    const { twins, laptop, phone, calls } = await counted(() => {});
    manyFiles(laptop.tree, "letters");
    await laptop.sync();
    manyFiles(phone.tree, "letters");
    Object.assign(calls, { chunksUp: 0 });
    const report = await phone.sync();
    await twins.settle();
    expect(report).toMatchObject({ conflicts: 0, filesUploaded: 0, filesDownloaded: 0 });
    expect(calls).toMatchObject({ chunksUp: 0, chunksDown: 0, staged: 0, moves: 0 });
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("a file moved from one linked folder to another is deleted in the one and new in the other, on both devices", async () => {
    const [from, to] = [await createTwins(["laptop", "phone"], { seed: 1 }), await createTwins(["laptop", "phone"], { seed: 2 })];
    const [source, target] = [from.devices[0] as Device, to.devices[0] as Device];
    source.tree.write("a.txt", "text");
    await from.settle();
    await to.settle();
    target.tree.write("a.txt", texts(source.tree)["a.txt"] as string);
    source.tree.rm("a.txt");
    await to.settle();
    await from.settle();
    expect(filesOf(from)).toEqual([{}, {}]);
    expect(filesOf(to)).toEqual([{ "a.txt": "text" }, { "a.txt": "text" }]);
  });
});
