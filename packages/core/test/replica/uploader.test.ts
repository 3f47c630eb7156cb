import { type Transport, TwinfoldError } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, texts, type TwinsOptions } from "./twins.js";

/** More than a commit holds: four of them, since the first ones hold less. */
const MANY = 1_001;

async function pair(wrapTransport: NonNullable<TwinsOptions["wrapTransport"]>) {
  const twins = await createTwins(["laptop", "phone"], { wrapTransport });
  const [laptop, phone] = twins.devices as [Device, Device];
  return { twins, laptop, phone };
}

function writeMany(device: Device): void {
  for (let at = 0; at < MANY; at++) device.tree.write(`f${at}`, `text ${at}`);
}

/** Lets everything happen that can. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Notes what the laptop asks of the hub, when it begins and when it ends; `before` may stand in the way. */
function watched(before: (call: string, nth: number) => Promise<void>) {
  const log: string[] = [];
  const counts = new Map<string, number>();
  const wrapTransport = (transport: Transport, device: string): Transport => {
    const watch =
      <Asked extends unknown[], Answer>(call: string, send: (...asked: Asked) => Promise<Answer>) =>
      async (...asked: Asked): Promise<Answer> => {
        if (device !== "laptop") return await send(...asked);
        const nth = (counts.get(call) ?? 0) + 1;
        counts.set(call, nth);
        log.push(`${call} ${nth}`);
        await before(call, nth);
        const answer = await send(...asked);
        log.push(`${call} ${nth} answered`);
        return answer;
      };
    return {
      ...transport,
      missing: watch("missing", transport.missing),
      upload: watch("upload", transport.upload),
      commit: watch("commit", transport.commit),
      changes: watch("changes", transport.changes),
    };
  };
  return { log, wrapTransport };
}

describe("a long run of uploads", () => {
  it("sends the next chunks and asks about those after while a commit waits for its answer, and makes the commits one after the other", async () => {
    const { log, wrapTransport } = watched(async (call, nth) => {
      if (call === "commit" && nth === 1) await turns(500);
    });
    const { laptop, phone, twins } = await pair(wrapTransport);
    writeMany(laptop);
    const report = await laptop.sync();
    const answered = log.indexOf("commit 1 answered");
    expect(log.indexOf("upload 2 answered")).toBeLessThan(answered);
    expect(log.indexOf("missing 3 answered")).toBeLessThan(answered);
    expect(log.filter((line) => line.startsWith("commit"))).toEqual(
      Array.from({ length: report.commits }, (_, at) => [`commit ${at + 1}`, `commit ${at + 1} answered`]).flat(),
    );
    expect(report.commitsUnderWay).toBeGreaterThan(1);
    expect(report.commitsUnderWay).toBeLessThanOrEqual(5);
    await twins.settle();
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("lets others have the first hundred files while the rest is on its way", async () => {
    let first: number | undefined;
    const { wrapTransport } = watched(async (call, nth) => {
      if (call !== "commit" || nth !== 2) return;
      await phone.sync();
      first = Object.keys(texts(phone.tree)).length;
    });
    const { laptop, phone } = await pair(wrapTransport);
    writeMany(laptop);
    await laptop.sync();
    expect(first).toBe(100);
  });

  it("has committed all that came before what fails, and nothing after", async () => {
    let isDown = true;
    const { log, wrapTransport } = watched(async (call, nth) => {
      if (isDown && call === "upload" && nth === 3) throw new TwinfoldError("ERR_UNREACHABLE", "the network is down");
    });
    const { laptop, phone, twins } = await pair(wrapTransport);
    writeMany(laptop);
    await expect(laptop.sync()).rejects.toMatchObject({ code: "ERR_UNREACHABLE" });
    expect(log.filter((line) => line.startsWith("commit"))).toEqual(["commit 1", "commit 1 answered", "commit 2", "commit 2 answered"]);
    isDown = false;
    await twins.settle();
    expect(Object.keys(texts(phone.tree))).toHaveLength(MANY);
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("makes no commit after one whose answer was lost before it has asked what became of that", async () => {
    let lost = 0;
    const { log, wrapTransport } = watched(async () => {});
    const { laptop, phone, twins } = await pair((transport, device) => {
      const { commit, ...rest } = wrapTransport(transport, device);
      return {
        ...rest,
        commit: async (...asked) => {
          const answer = await commit(...asked);
          if (device === "laptop" && lost++ === 1) return { kind: "ahead", watermark: 0 };
          return answer;
        },
      };
    });
    writeMany(laptop);
    const report = await laptop.sync();
    const doubtful = log.indexOf("commit 2 answered");
    expect(log.slice(doubtful).findIndex((line) => line.startsWith("changes"))).toBeLessThan(log.slice(doubtful).indexOf("commit 3"));
    expect(report).toMatchObject({ inSync: true, filesUploaded: MANY, conflicts: 0 });
    await twins.settle();
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("sends a chunk once that files of two commits hold, and again when the first of them could not be read", async () => {
    for (const isUnreadable of [false, true]) {
      const { log, wrapTransport } = watched(async (call, nth) => {
        if (call === "upload") await turns(50);
        if (call === "missing" && nth === 1 && isUnreadable) laptop.tree.write("f0", "other text");
      });
      const { laptop, phone, twins } = await pair(wrapTransport);
      for (let at = 0; at < MANY; at++) laptop.tree.write(`f${at}`, "the same text");
      const report = await laptop.sync();
      expect(report).toMatchObject({ inSync: true, skipped: [] });
      expect(report.chunksUploaded).toBe(isUnreadable ? 2 : 1);
      expect(log.filter((line) => /^commit \d+$/.test(line)).length).toBeGreaterThan(1);
      await twins.settle();
      expect(texts(phone.tree)).toEqual(texts(laptop.tree));
    }
  });
});
