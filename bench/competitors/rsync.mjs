import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../scripts/free-port.mjs";
import { answersAt, until } from "../processes.mjs";
import { createWireProxy } from "../wire-proxy.mjs";

/** A daemon beside A, and a client that pulls into B: one hop, one way, nothing kept. */
function rsyncWith(name, title, options) {
  return {
    name,
    title,
    program: "rsync",
    debian: "rsync",
    version: async (processes) => /version ([\d.]+)/.exec(await processes.run("version", "rsync", ["--version"]))[1],

    async open({ processes, home, a, b, counted = false }) {
      const port = await freePort();
      mkdirSync(home, { recursive: true });
      const configPath = join(home, "rsyncd.conf");
      // `uid` and `gid` are the daemon's own when it is not root's.
      const owner = process.getuid() === 0 ? "uid = root\ngid = root\n" : "";
      writeFileSync(configPath, `use chroot = no\nlog file = /dev/null\n${owner}[a]\npath = ${a}\nread only = yes\n`);
      const daemon = processes.start("A", "rsync", ["--daemon", "--no-detach", `--config=${configPath}`, `--port=${port}`, "--address=127.0.0.1"]);
      daemon.stdout.resume();
      await until("the rsync daemon answers", () => {
        processes.assertAlive();
        return answersAt(port);
      });
      const proxy = counted ? await createWireProxy(port) : undefined;
      const args = ["-a", "--delete", ...options, `rsync://127.0.0.1:${proxy?.port ?? port}/a/`, `${b}/`];
      return {
        pass: () => processes.run("B", "rsync", args),
        startSource: async () => {},
        startReceiver: async () => processes.start("B", "rsync", args),
        wire: () => ({ B: proxy.bytes() }),
        async close() {
          await processes.stopAll();
          await proxy?.close();
          rmSync(home, { recursive: true, force: true });
        },
      };
    },
  };
}

export const rsync = rsyncWith("rsync", "rsync", []);
export const rsyncCompressed = rsyncWith("rsync-z", "rsync -z", ["-z"]);
export const rsyncInPlace = rsyncWith("rsync-inplace", "rsync --inplace", ["--inplace"]);
