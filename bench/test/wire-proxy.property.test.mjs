import { once } from "node:events";
import { connect, createServer } from "node:net";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createWireProxy } from "../wire-proxy.mjs";

const pieces = fc.array(fc.uint8Array({ maxLength: 100_000 }), { maxLength: 8 });

async function allOf(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

it("lets every byte pass unchanged, both ways, and counts each once", async () => {
  await fc.assert(
    fc.asyncProperty(pieces, pieces, async (asked, answered) => {
      let heard;
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        heard = allOf(socket);
        for (const piece of answered) socket.write(piece);
        socket.end();
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const proxy = await createWireProxy(server.address().port);
      try {
        const client = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
        for (const piece of asked) client.write(piece);
        client.end();
        const [question, answer] = [Buffer.concat(asked), Buffer.concat(answered)];
        expect((await allOf(client)).equals(answer)).toBe(true);
        expect((await heard).equals(question)).toBe(true);
        expect(proxy.bytes()).toBe(question.length + answer.length);
      } finally {
        await proxy.close();
        server.close();
      }
    }),
    { numRuns: 30 },
  );
});
