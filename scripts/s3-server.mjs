/**
 * A real S3 server for tests: Ceph's radosgw over one monitor and one object store in memory, all on 127.0.0.1.
 *
 *   node scripts/s3-server.mjs start DIR     prints where it answers and its keys, as JSON
 *   node scripts/s3-server.mjs stop DIR
 *
 * Debian and Ubuntu: apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common
 */
import { execFile, spawn, spawnSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAMS = ["radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "ceph"];

/** Who may do what among the processes: one key ring holds them all. */
const CAPABILITIES = {
  "mon.": { mon: "allow *" },
  "client.admin": { mon: "allow *", osd: "allow *" },
  "client.rgw.a": { mon: "allow rw", osd: "allow rwx" },
  "osd.0": { mon: "allow profile osd", osd: "allow *" },
};
const PATIENCE_MS = 40_000;
const run = promisify(execFile);

/** Why no server can be started here; `undefined` when one can. */
export function missingS3Server() {
  const missing = PROGRAMS.filter((program) => spawnSync(program, ["--version"], { stdio: "ignore" }).error !== undefined);
  if (missing.length === 0) return undefined;
  return (
    `the S3 server of the tests needs ${missing.join(", ")}: ` +
    "apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common (Debian, Ubuntu)"
  );
}

/** Starts a server whose files are in `folder`, which must not exist yet. It answers when this resolves. */
export async function startS3Server(folder) {
  const [monitorPort, gatewayPort] = await freePorts(2);
  const conf = join(folder, "ceph.conf");
  for (const part of ["mon", "osd", "rgw"]) mkdirSync(join(folder, part), { recursive: true });
  const fsid = randomUUID();
  writeFileSync(conf, configuration({ folder, fsid, monitorPort, gatewayPort }));
  const keys = { accessKeyId: randomBytes(10).toString("hex"), secretAccessKey: randomBytes(20).toString("hex") };
  const server = { folder, endpoint: `http://127.0.0.1:${gatewayPort}`, region: "us-east-1", ...keys };
  try {
    const keyring = join(folder, "keyring");
    writeFileSync(keyring, "");
    for (const [name, capabilities] of Object.entries(CAPABILITIES)) {
      const caps = Object.entries(capabilities).flatMap(([daemon, allowed]) => ["--cap", daemon, allowed]);
      await run("ceph-authtool", [keyring, "--gen-key", "-n", name, ...caps]);
    }
    const map = join(folder, "monmap");
    await run("monmaptool", ["--create", "--fsid", fsid, "--addv", "a", `[v2:127.0.0.1:${monitorPort}]`, map]);
    await run("ceph-mon", ["-c", conf, "--mkfs", "-i", "a", "--monmap", map, "--keyring", keyring]);
    startProgram(folder, "ceph-mon", ["-i", "a"]);
    const osd = randomUUID();
    await run("ceph", ["-c", conf, "--connect-timeout", "60", "osd", "new", osd]);
    await run("ceph-osd", ["-c", conf, "-i", "0", "--mkfs", "--osd-uuid", osd]);
    startProgram(folder, "ceph-osd", ["-i", "0"]);
    const user = ["user", "create", "--uid=test", "--display-name=test", `--access-key=${keys.accessKeyId}`, `--secret-key=${keys.secretAccessKey}`];
    await run("radosgw-admin", ["-c", conf, "-n", "client.rgw.a", ...user], { timeout: PATIENCE_MS });
    await startGateway(server);
    return server;
  } catch (error) {
    await stopS3Server(folder);
    throw error;
  }
}

/** The gateway alone, after {@link killGateway}: the objects are as they were. */
export async function startGateway({ folder, endpoint }) {
  startProgram(folder, "radosgw", ["-n", "client.rgw.a"]);
  for (const until = Date.now() + PATIENCE_MS; ; await pause(50)) {
    const answered = await fetch(endpoint).then(
      (answer) => answer.arrayBuffer().then(() => true),
      () => false,
    );
    if (answered) return;
    if (pidOf(folder, "radosgw") === undefined) throw new Error(`radosgw ended early; see ${join(folder, "radosgw.log")}`);
    if (Date.now() > until) throw new Error(`radosgw did not answer at ${endpoint}; see ${join(folder, "radosgw.log")}`);
  }
}

/** Ends the gateway in the middle of whatever it does. */
export async function killGateway({ folder }) {
  await endProgram(folder, "radosgw", "SIGKILL");
}

/** Ends the processes whose files are in `folder`, and removes it. */
export async function stopS3Server(folder) {
  for (const program of ["radosgw", "ceph-osd", "ceph-mon"]) await endProgram(folder, program, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}

function configuration({ folder, fsid, monitorPort, gatewayPort }) {
  const local = "host = localhost";
  const sections = {
    global: [
      `fsid = ${fsid}`,
      `mon host = [v2:127.0.0.1:${monitorPort}]`,
      "mon initial members = a",
      "public network = 127.0.0.0/8",
      `keyring = ${join(folder, "keyring")}`,
      `run dir = ${folder}`,
      "admin socket =",
      `log file = ${join(folder, "$name.log")}`,
      `mon cluster log file = ${join(folder, "cluster.log")}`,
      "osd pool default size = 1",
      "osd pool default min size = 1",
      "osd pool default pg num = 4",
      "osd pool default pgp num = 4",
      "osd pool default pg autoscale mode = off",
      "osd crush chooseleaf type = 0",
      "mon allow pool size one = true",
      "mon max pg per osd = 1000",
      "mon data avail crit = 1",
    ],
    "mon.a": [local, `mon data = ${join(folder, "mon")}`],
    "osd.0": [
      local,
      `osd data = ${join(folder, "osd")}`,
      "osd objectstore = memstore",
      "memstore device bytes = 4294967296",
      "osd class update on start = false",
    ],
    "client.rgw.a": [
      local,
      `rgw data = ${join(folder, "rgw")}`,
      `rgw frontends = beast endpoint=127.0.0.1:${gatewayPort}`,
      "rgw enable gc threads = false",
    ],
  };
  return Object.entries(sections)
    .map(([name, lines]) => [`[${name}]`, ...lines, ""].join("\n"))
    .join("\n");
}

/** In the foreground of a session of its own: it outlives this process, and is found again by its pid. */
function startProgram(folder, program, args) {
  const log = openSync(join(folder, `${program}.log`), "a");
  const child = spawn(program, ["-c", join(folder, "ceph.conf"), "-f", ...args], { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  writeFileSync(join(folder, `${program}.pid`), String(child.pid));
  child.unref();
}

/** The pid of the program that was started in `folder`, while it runs: the command line tells it from a later process with its number. */
function pidOf(folder, program) {
  try {
    const pid = Number(readFileSync(join(folder, `${program}.pid`), "utf8"));
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(join(folder, "ceph.conf")) ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function endProgram(folder, program, signal) {
  const pid = pidOf(folder, program);
  if (pid === undefined) return;
  process.kill(pid, signal);
  while (pidOf(folder, program) !== undefined) await pause(10);
}

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise((listening, failed) => server.once("error", failed).listen(0, "127.0.0.1", listening));
      return server;
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [verb, dir] = process.argv.slice(2);
  const missing = missingS3Server();
  if (dir === undefined || (verb !== "start" && verb !== "stop")) {
    console.error("usage: node scripts/s3-server.mjs start|stop DIR");
    process.exitCode = 2;
  } else if (missing !== undefined) {
    console.error(missing);
    process.exitCode = 1;
  } else if (verb === "start") console.log(JSON.stringify(await startS3Server(resolve(dir))));
  else await stopS3Server(resolve(dir));
}
