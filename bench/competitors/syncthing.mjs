import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../scripts/free-port.mjs";
import { until } from "../processes.mjs";
import { createWireProxy } from "../wire-proxy.mjs";

const KEY = "bench";
const FOLDER = "bench";

/** No traffic between two devices that have nothing to tell: longer than either takes from one message to the next. */
const QUIET_MS = 1_000;

/** Two Syncthings that know each other's address: no discovery, relays, port mapping, reports or upgrades. */
export const syncthing = {
  name: "syncthing",
  title: "Syncthing",
  program: "syncthing",
  debian: "syncthing",
  version: async (processes) => /v[\d.]+/.exec(await processes.run("version", "syncthing", ["--version"]))[0],

  /** `watchDelaySeconds`: how long Syncthing collects events of its watcher. Without it A is told when to look. */
  async open({ processes, home, a, b, counted = false, watchDelaySeconds }) {
    const devices = [];
    for (const [role, folder] of [
      ["A", a],
      ["B", b],
    ]) {
      const device = { role, folder, home: join(home, role), port: await freePort(), guiPort: await freePort() };
      await processes.run(
        role,
        "syncthing",
        ["generate", `--home=${device.home}`, "--no-default-folder", "--skip-port-probing"],
        environment(device),
      );
      device.id = (await processes.run(role, "syncthing", [`--home=${device.home}`, "--device-id"], environment(device))).trim();
      devices.push(device);
    }
    const [deviceA, deviceB] = devices;
    const proxy = counted ? await createWireProxy(deviceA.port) : undefined;
    // What is counted goes through the proxy: then B alone knows an address, and it is the proxy's.
    const addresses = { A: `tcp://127.0.0.1:${proxy?.port ?? deviceA.port}`, B: counted ? "dynamic" : `tcp://127.0.0.1:${deviceB.port}` };
    for (const device of devices) writeFileSync(join(device.home, "config.xml"), configuration(device, devices, addresses, watchDelaySeconds));

    const start = (device) => {
      device.process = processes.start(device.role, "syncthing", [`--home=${device.home}`, "--no-browser", "--no-restart"], environment(device));
      device.process.stdout.resume();
      return device.process;
    };
    const isTwin = () =>
      until("B has what A has", async () => {
        processes.assertAlive();
        const { needItems, needDeletes, completion } = await ask(deviceA, `db/completion?folder=${FOLDER}&device=${deviceB.id}`);
        return needItems === 0 && needDeletes === 0 && completion === 100;
      });
    const answers = (device) => until(`Syncthing ${device.role} answers`, () => ask(device, "system/ping").then(Boolean, () => false));
    const scanned = async (device) => {
      await answers(device);
      await until(`Syncthing ${device.role} has looked through its folder`, async () => {
        processes.assertAlive();
        const { state, sequence } = await ask(device, `db/status?folder=${FOLDER}`);
        return state === "idle" && sequence > 0;
      });
    };
    return {
      async follow() {
        for (const device of devices) start(device);
      },
      async begin() {
        for (const device of devices) start(device);
        await scanned(deviceA);
        await isTwin();
      },
      /** A looks through its folder, and B takes what is new. Resolves when A knows that B has it. */
      async pass() {
        await ask(deviceA, `db/scan?folder=${FOLDER}`, "POST");
        await isTwin();
      },
      /** Resolves when nothing more is said, so that late messages count too. */
      async settled() {
        if (proxy === undefined) return;
        let last;
        const isQuiet = () => {
          const before = last;
          last = proxy.bytes();
          return last === before;
        };
        await until("both are quiet", isQuiet, { everyMs: QUIET_MS });
      },
      startSource: async () => {
        start(deviceA);
        await scanned(deviceA);
      },
      startReceiver: async () => start(deviceB),
      wire: () => ({ B: proxy.bytes() }),
      async close() {
        await processes.stopAll();
        await proxy?.close();
        rmSync(home, { recursive: true, force: true });
      },
    };
  },
};

function environment({ home }) {
  return { env: { HOME: home, STNOUPGRADE: "1", STNODEFAULTFOLDER: "1" } };
}

async function ask({ guiPort }, path, method = "GET") {
  const answer = await fetch(`http://127.0.0.1:${guiPort}/rest/${path}`, { method, headers: { "X-API-Key": KEY } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`Syncthing answered ${path} with ${answer.status}: ${text}`);
  return text === "" ? {} : JSON.parse(text);
}

function configuration({ role, folder, port, guiPort, home }, devices, addresses, watchDelaySeconds) {
  const watched = watchDelaySeconds !== undefined;
  const version = /<configuration version="(\d+)">/.exec(readFileSync(join(home, "config.xml"), "utf8"))[1];
  return `<configuration version="${version}">
  <folder id="${FOLDER}" label="" path="${folder}" type="sendreceive" rescanIntervalS="0" fsWatcherEnabled="${watched}" fsWatcherDelayS="${watchDelaySeconds ?? 10}">
    ${devices.map(({ id }) => `<device id="${id}"></device>`).join("")}
  </folder>
  ${devices.map(({ id, role: name }) => `<device id="${id}" name="${name}" compression="metadata"><address>${name === role ? "dynamic" : addresses[name]}</address></device>`).join("\n  ")}
  <gui enabled="true" tls="false"><address>127.0.0.1:${guiPort}</address><apikey>${KEY}</apikey></gui>
  <options>
    <listenAddress>tcp://127.0.0.1:${port}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled>
    <localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled>
    <natEnabled>false</natEnabled>
    <urAccepted>-1</urAccepted>
    <crashReportingEnabled>false</crashReportingEnabled>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
    <startBrowser>false</startBrowser>
    <setLowPriority>false</setLowPriority>
    <stunKeepaliveStartS>0</stunKeepaliveStartS>
  </options>
</configuration>
`;
}
