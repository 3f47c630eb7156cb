import { once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * A TCP proxy on 127.0.0.1 that counts what passes, both ways: all bytes of the connections' streams, without the headers of TCP and IP.
 * It stands in one device's way, so its count is that device's.
 */
export async function createWireProxy(targetPort) {
  let bytes = 0;
  const sockets = new Set();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port: targetPort, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from);
      from.on("data", (piece) => (bytes += piece.length));
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroySoon();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: server.address().port,
    /** Bytes so far. */
    bytes: () => bytes,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
