import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { contents, differences } from "./folders.js";
import { seededRandom } from "./seeded-random.js";
import { following, linked, syncOnce, tells } from "./twins.js";
import { loggedIn, signedUp, startServer, startTwinfold } from "./twinfold.js";

const MIB = 1024 ** 2;
const SIZE_BYTES = 64 * MIB;
/** Mean length of a chunk: 1.2 times the average of 64 KiB. */
const CHUNKS = SIZE_BYTES / (1.2 * 64 * 1024);

/** A way to the server on which what goes there stands still after so many bytes, until `open`. */
async function throttledWay(url: string, afterBytes: number): Promise<{ readonly url: string; open(): void }> {
  const { hostname, port } = new URL(url);
  let left = afterBytes;
  const held = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    client.on("data", (piece) => {
      left -= piece.length;
      upstream.write(piece);
      if (left > 0) return;
      client.pause();
      held.add(client);
    });
    upstream.pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open() {
      left = Number.POSITIVE_INFINITY;
      for (const client of held) client.resume();
    },
  };
}

describe("a large file", () => {
  it("is on its way to the other device long before it is committed, and comes of no uploader that was killed until that goes on", async () => {
    const { url } = await startServer();
    const way = await throttledWay(url, SIZE_BYTES - 8 * MIB);
    const [laptop, phone] = [await linked(await signedUp(way.url)), await linked(await loggedIn(url))];
    const counted = async (name: string): Promise<number> => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(new RegExp(`^twinfold_hub_${name}_total (\\d+)`, "m").exec(text)?.[1]);
    };
    const running = await following(phone.home);
    await writeFile(join(laptop.folder, "large.bin"), seededRandom(1).bytes(SIZE_BYTES));
    const uploader = startTwinfold(["sync", "--json"], { home: laptop.home });
    while ((await counted("chunks_served")) < CHUNKS / 2);
    expect(await counted("commits")).toBe(0);
    expect(await counted("draft_chunks_told")).toBeGreaterThan(CHUNKS / 2);
    expect([...(await contents(phone.folder))]).toEqual([]);

    await uploader.stop("SIGKILL");
    way.open();
    expect([...(await contents(phone.folder))]).toEqual([]);
    const { json } = await syncOnce(laptop);
    expect(json).toMatchObject({ inSync: true, filesUploaded: 1 });
    expect(Number(json.bytesSent)).toBeLessThan(SIZE_BYTES / 2);
    await running.line(tells("file:downloaded", "large.bin"));
    const { fact } = JSON.parse(await running.line(tells("sync:finished"))) as { fact: { report: Record<string, number> } };
    expect(fact.report.chunksPrefetched).toBeGreaterThan(CHUNKS / 2);
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    // Nothing that was durable went up again, and nothing came down twice.
    expect(await counted("chunks_deduplicated")).toBe(0);
    expect(await counted("chunks_served")).toBe(await counted("chunks_stored"));
  }, 180_000);
});
