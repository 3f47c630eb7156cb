import { rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../../scripts/steps.mjs";
import { sizeOf } from "../twins.mjs";
import { createWireProxy } from "../wire-proxy.mjs";

const BIN = join(ROOT, "packages/cli/bin/twinfold.js");
const PASSWORD = "correct horse battery staple";
const ACCOUNT = ["--email", "bench@example.org", "--password-stdin"];

/** How far the command's own count of its bytes may be from the proxy's, as a part of it: both see the same bytes, but for what a closing socket still had to say. */
const COUNTS_AGREE = 0.01;

/** Twinfold as it is shipped: `twinfold serve` and two devices, three processes. */
export const twinfold = {
  name: "twinfold",
  title: "Twinfold",
  version: (processes) => processes.run("version", process.execPath, [BIN, "--version"]),

  async open({ processes, home, a, b, counted = false }) {
    const server = command(processes, "hub", join(home, "server"), ["serve", "--data", join(home, "data"), "--listen", "127.0.0.1:0"]);
    const lines = createInterface({ input: server.stdout });
    const first = await Promise.race([new Promise((resolve) => lines.once("line", resolve)), server.ended]);
    if (server.exit !== undefined) throw new Error(`twinfold serve ended with ${server.exit}: ${server.said}`);
    const { port } = new URL(JSON.parse(first).url);
    const devices = [];
    for (const [role, folder, verb] of [
      ["A", a, "signup"],
      ["B", b, "login"],
    ]) {
      const proxy = counted ? await createWireProxy(Number(port)) : undefined;
      const device = { role, folder, proxy, home: join(home, role) };
      await mkdir(device.home);
      const url = `http://127.0.0.1:${proxy?.port ?? port}`;
      await run(processes, device, [verb, "--server", url, "--device", role, ...ACCOUNT], `${PASSWORD}\n`);
      await run(processes, device, ["link", folder, "--workspace", "bench"]);
      devices.push(device);
    }
    const [deviceA, deviceB] = devices;
    const follow = (device) => {
      device.follower = command(processes, device.role, device.home, ["sync", device.folder]);
      device.follower.stdout.resume();
      return device.follower;
    };
    return {
      watches: true,
      /** Starts both devices; each keeps its folder in step from then on. */
      async follow() {
        for (const device of devices) follow(device);
      },
      /** `sync --once` on A, then on B. What each says that crossed its sockets must be what the proxy counted. */
      async pass() {
        for (const device of devices) {
          const before = device.proxy?.bytes();
          const report = await run(processes, device, ["sync", device.folder, "--once"]);
          if (!report.inSync) throw new Error(`${device.role} is not in sync: ${JSON.stringify(report)}`);
          if (before === undefined) continue;
          const passed = device.proxy.bytes() - before;
          const said = report.bytesSent + report.bytesReceived;
          if (Math.abs(passed - said) > COUNTS_AGREE * passed)
            throw new Error(`${device.role} says that ${said} bytes crossed its sockets; the proxy counted ${passed}`);
        }
      },
      wire: () => Object.fromEntries(devices.map(({ role, proxy }) => [role, proxy.bytes()])),
      /** One device's pass alone: its report. */
      passOf: (role) => run(processes, role === "A" ? deviceA : deviceB, ["sync", role === "A" ? a : b, "--once"]),
      /** A's side is ready: the hub has everything. */
      startSource: () => run(processes, deviceA, ["sync", a, "--once"]),
      startReceiver: async () => follow(deviceB),
      /** Another folder of A, a workspace of its own. */
      link: (folder) => run(processes, deviceA, ["link", folder]),
      syncAllOfA: () => run(processes, deviceA, ["sync", "--once"]),
      storedBytes: () => sizeOf(join(home, "data")),
      async close() {
        await processes.stopAll();
        for (const { proxy } of devices) await proxy?.close();
        rmSync(home, { recursive: true, force: true });
      },
    };
  },
};

function command(processes, role, twinfoldHome, args, input) {
  return processes.start(role, process.execPath, [BIN, ...args, "--json"], { env: { TWINFOLD_HOME: twinfoldHome }, input });
}

async function run(processes, { role, home }, args, input) {
  return JSON.parse(await processes.run(role, process.execPath, [BIN, ...args, "--json"], { env: { TWINFOLD_HOME: home }, input }));
}
