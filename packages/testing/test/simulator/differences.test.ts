import type { FrameCodec, Transport } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { except } from "../../src/mutants/seams.js";
import { damagingEdits } from "../../src/mutants/where.js";
import { planOf } from "../../src/simulator/plans.js";
import { shippedSut, type Sut } from "../../src/simulator/sut.js";
import { createWorld } from "../../src/simulator/world.js";

/** Frames by codec that crossed, and uploads with differences that the hub refused or asked for anew. */
function createCount() {
  const none = (): Record<FrameCodec, number> => ({ plain: 0, deflate: 0, delta: 0, absent: 0 });
  return { up: none(), down: none(), refused: 0 };
}

function counting(count: ReturnType<typeof createCount>): Sut {
  const counted = (transport: Transport): Partial<Transport> => ({
    async upload(request, options) {
      for (const { codec } of request.frames) count.up[codec] += 1;
      const hasDelta = request.frames.some(({ codec }) => codec === "delta");
      try {
        const answer = await transport.upload(request, options);
        count.refused += answer.sendPlain.length;
        return answer;
      } catch (error) {
        if (hasDelta) count.refused += 1;
        throw error;
      }
    },
    async *download(request, options) {
      for await (const frame of transport.download(request, options)) {
        count.down[frame.codec] += 1;
        yield frame;
      }
    },
  });
  return {
    ...shippedSut,
    createTransport: (hub, principal) => {
      const transport = shippedSut.createTransport(hub, principal);
      return except(transport, counted(transport));
    },
  };
}

describe("worlds of files that are edited in their middle", () => {
  it("send differences both ways, are refused damaged ones, and end well", async () => {
    const count = createCount();
    for (let seed = 1; seed <= 60; seed++) {
      const { violations } = await createWorld(planOf(seed, damagingEdits), counting(count)).run();
      expect(violations, `seed ${seed}`).toEqual([]);
    }
    expect(count.up.delta).toBeGreaterThan(20);
    expect(count.down.delta).toBeGreaterThan(20);
    expect(count.refused).toBeGreaterThan(0);
  }, 300_000);

  it("are among the worlds of the hunt", async () => {
    const count = createCount();
    for (let seed = 1; seed <= 300 && count.up.delta * count.down.delta === 0; seed++) await createWorld(planOf(seed), counting(count)).run();
    expect(count.up.delta).toBeGreaterThan(0);
    expect(count.down.delta).toBeGreaterThan(0);
  }, 300_000);
});
