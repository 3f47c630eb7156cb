import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../scripts/free-port.mjs";
import { answersAt, until } from "../processes.mjs";
import { createWireProxy } from "../wire-proxy.mjs";

/** A server beside A, and a client beside B that settles both folders: one hop, both ways. */
export const unison = {
  name: "unison",
  title: "unison",
  program: "unison",
  debian: "unison",
  version: async (processes) => /version ([\d.]+)/.exec(await processes.run("version", "unison", ["-version"]))[1],

  async open({ processes, home, a, b, counted = false }) {
    const homes = { A: join(home, "A"), B: join(home, "B") };
    for (const path of Object.values(homes)) mkdirSync(path, { recursive: true });
    const port = await freePort();
    const server = processes.start("A", "unison", ["-socket", String(port), "-listen", "127.0.0.1"], { env: { UNISON: homes.A } });
    server.stdout.resume();
    await until("unison's server answers", () => {
      processes.assertAlive();
      return answersAt(port);
    });
    const proxy = counted ? await createWireProxy(port) : undefined;
    const args = ["-ui", "text", "-batch", "-auto", "-silent", "-confirmbigdel=false", b, `socket://127.0.0.1:${proxy?.port ?? port}/${a}`];
    const options = { env: { UNISON: homes.B } };
    return {
      pass: () => processes.run("B", "unison", args, options),
      startSource: async () => {},
      startReceiver: async () => processes.start("B", "unison", args, options),
      wire: () => ({ B: proxy.bytes() }),
      async close() {
        await processes.stopAll();
        await proxy?.close();
        rmSync(home, { recursive: true, force: true });
      },
    };
  },
};
