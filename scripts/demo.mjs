/**
 * The main job, shown with real processes on loopback: a server, a laptop and a phone.
 *
 *   npm run demo [-- DIR] [--keep] [--picture FILE.svg]
 *
 * DIR is copied into the laptop's folder; without it a real tree of this checkout's dependencies is. After each step both
 * folders are compared byte for byte. Exits 0 only if all agree.
 */
import { spawn } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { once } from "node:events";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from "node:fs";
import { appendFile, copyFile, cp, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.mjs";
import { tablePicture } from "./table-picture.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "packages/cli/bin/twinfold.js");
const MIB = 1024 * 1024;
const LARGE_BYTES = 256 * MIB;
const EMAIL = "demo@example.org";
const PASSWORD = "correct horse battery staple";
const PATIENCE_MS = 180_000;

const argv = process.argv.slice(2);
const keep = argv.includes("--keep");
const picture = argv.includes("--picture") ? argv[argv.indexOf("--picture") + 1] : undefined;
const source = argv.find((argument) => !argument.startsWith("--") && argument !== picture);

const home = mkdtempSync(join(tmpdir(), "twinfold-demo-"));
const rows = [];
const running = new Set();
let done = 0;
const STEPS = 12;

/** One line that is drawn over itself on a terminal, one line per step elsewhere. */
function progress(label) {
  const width = 24;
  const filled = Math.round((done / STEPS) * width);
  const line = `[${"█".repeat(filled)}${"░".repeat(width - filled)}] ${String(done).padStart(2)}/${STEPS}  ${label}`;
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
  else process.stderr.write(`${line}\n`);
}

class Device {
  constructor(name) {
    this.name = name;
    this.home = join(home, `${name}-home`);
    this.folder = join(home, name);
    mkdirSync(this.home);
    mkdirSync(this.folder);
  }

  /** Runs a command to its end; gives its JSON document. */
  async run(args, { input, mayFail = false } = {}) {
    const child = twinfold([...args, "--json"], this.home);
    if (input !== undefined) child.stdin.write(`${input}\n`);
    child.stdin.end();
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await exited(child);
    if (code !== 0 && !mayFail) throw new Error(`twinfold ${args.join(" ")} on the ${this.name} ended with ${code}:\n${stdout}${stderr}`);
    return JSON.parse(stdout);
  }

  once() {
    return this.run(["sync", this.folder, "--once"]);
  }

  /** Starts the process that keeps the folder in step. */
  async start() {
    this.process = twinfold(["sync", this.folder, "--json"], this.home);
    this.process.stdin.end();
    drain(this.process);
    await until(`the ${this.name}'s process answers`, async () => {
      const status = await this.run(["status", this.folder], { mayFail: true });
      return status.running === true;
    });
  }

  async stop(signal = "SIGTERM") {
    const child = this.process;
    this.process = undefined;
    child.kill(signal);
    await exited(child);
  }

  /** Bytes over the sockets of the running process so far, both ways. */
  async wire() {
    const { bytesSent, bytesReceived } = await this.run(["status", this.folder]);
    return { sent: bytesSent, received: bytesReceived };
  }

  path(name) {
    return join(this.folder, name);
  }
}

function twinfold(args, twinfoldHome) {
  const child = spawn(process.execPath, [BIN, ...args], { env: { ...process.env, TWINFOLD_HOME: twinfoldHome }, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

async function exited(child) {
  if (child.exitCode !== null || child.signalCode !== null) return [child.exitCode, child.signalCode];
  return await once(child, "exit");
}

async function text(stream) {
  let all = "";
  for await (const piece of stream) all += piece;
  return all;
}

function drain(child) {
  child.stdout.resume();
  child.stderrText = "";
  child.stderr.on("data", (piece) => {
    child.stderrText = (child.stderrText + piece).slice(-4000);
  });
}

async function until(what, test) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    if (await test()) return;
    if (Date.now() > deadline) throw new Error(`gave up after ${PATIENCE_MS / 1000} s waiting until ${what}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

async function serve(port) {
  const child = twinfold(["serve", "--data", join(home, "server"), "--listen", `127.0.0.1:${port}`, "--json"], join(home, "server-home"));
  child.stdin.end();
  child.stderrText = "";
  child.stderr.on("data", (piece) => {
    child.stderrText = (child.stderrText + piece).slice(-4000);
  });
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, "line"), exited(child).then(() => undefined)]);
  if (first === undefined) throw new Error(`the server did not start:\n${child.stderrText}`);
  lines.on("line", () => {});
  return { child, url: JSON.parse(first[0]).url };
}

/** Bytes that anyone can make again: AES-256-CTR over zeros, with the seed's hash as key. */
async function writeSeeded(path, seed, sizeBytes) {
  const cipher = createCipheriv("aes-256-ctr", createHash("sha256").update(seed).digest(), Buffer.alloc(16));
  const zeros = Buffer.alloc(MIB);
  const out = createWriteStream(path);
  for (let left = sizeBytes; left > 0; left -= zeros.length) {
    if (!out.write(cipher.update(zeros.subarray(0, Math.min(left, zeros.length))))) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
}

/** Installed packages, in the order of their names, until there are 2,000 files and 50 MB. */
async function copyDependencies(target) {
  const modules = join(ROOT, "node_modules");
  let files = 0;
  let bytes = 0;
  const count = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const below = join(path, entry.name);
      if (entry.isDirectory()) count(below);
      else if (entry.isFile()) {
        files += 1;
        bytes += lstatSync(below).size;
      }
    }
  };
  for (const name of readdirSync(modules).sort()) {
    if (files >= 2_000 && bytes >= 50 * MIB) break;
    if (name.startsWith(".") || name === "@twinfold" || lstatSync(join(modules, name)).isSymbolicLink()) continue;
    await cp(join(modules, name), join(target, name), { recursive: true, verbatimSymlinks: true });
    count(join(modules, name));
  }
}

/** Copies a tree as `cp -a` does, without sockets, pipes and devices. */
async function copyTree(from, target) {
  await cp(from, target, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    filter: (path) => {
      const stat = lstatSync(path);
      return stat.isFile() || stat.isDirectory() || stat.isSymbolicLink();
    },
  });
}

/** Every entry of a folder with what Twinfold keeps of it: kind, exec bit, size, link target. */
function listing(folder, below = "", entries = new Map()) {
  for (const name of readdirSync(join(folder, below))) {
    if (below === "" && name === ".twinfold") continue;
    const path = below === "" ? name : `${below}/${name}`;
    const stat = lstatSync(join(folder, path));
    if (stat.isDirectory()) {
      entries.set(path, "directory");
      listing(folder, path, entries);
    } else if (stat.isSymbolicLink()) entries.set(path, `link to ${readlinkSync(join(folder, path))}`);
    else entries.set(path, `file of ${stat.size} bytes${stat.mode & 0o111 ? ", executable" : ""}`);
  }
  return entries;
}

async function sameBytes(a, b) {
  if (lstatSync(a).size < MIB) return readFileSync(a).equals(readFileSync(b));
  const hash = async (path) => {
    const digest = createHash("sha256");
    for await (const piece of createReadStream(path, { highWaterMark: MIB })) digest.update(piece);
    return digest.digest("hex");
  };
  return (await hash(a)) === (await hash(b));
}

/** The first difference between two folders, as a sentence; `undefined` when they are twins. */
async function difference(a, b) {
  const [left, right] = [listing(a), listing(b)];
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    if (left.get(path) !== right.get(path)) return `${path}: ${left.get(path) ?? "nothing"} here, ${right.get(path) ?? "nothing"} there`;
    if (left.get(path).startsWith("file") && !(await sameBytes(join(a, path), join(b, path)))) return `${path}: different bytes`;
  }
  return undefined;
}

function quickly(a, b) {
  try {
    const [left, right] = [listing(a), listing(b)];
    if (left.size !== right.size) return false;
    for (const [path, entry] of left) if (right.get(path) !== entry) return false;
    return true;
  } catch {
    return false; // something was renamed while it was looked at
  }
}

const laptop = new Device("laptop");
const phone = new Device("phone");

/** Does one thing, waits until it has arrived, compares, and notes time and bytes. */
async function step(label, action, { note } = {}) {
  progress(label);
  const before = await wires();
  const startedMs = performance.now();
  const said = await action();
  const tookMs = performance.now() - startedMs;
  const after = await wires();
  const apart = await difference(laptop.folder, phone.folder);
  if (apart !== undefined) throw new Error(`after "${label}" the folders differ: ${apart}`);
  const bytes = said?.bytes ?? { up: after.up - before.up, down: after.down - before.down };
  rows.push({ label, tookMs, ...bytes, note: said?.note ?? note ?? "" });
  done += 1;
}

async function wires() {
  if (laptop.process === undefined || phone.process === undefined) return { up: 0, down: 0 };
  const [a, b] = await Promise.all([laptop.wire(), phone.wire()]);
  return { up: a.sent + a.received, down: b.sent + b.received };
}

/** Waits until what was done on one side has arrived on the other and both say that they are in step. */
async function arrived() {
  await until(
    "both folders are alike",
    async () => quickly(laptop.folder, phone.folder) && (await difference(laptop.folder, phone.folder)) === undefined,
  );
}

async function insertAtFront(path, bytes) {
  const temporary = `${path}.new`;
  await writeFile(temporary, bytes);
  const out = createWriteStream(temporary, { flags: "a" });
  for await (const piece of createReadStream(path, { highWaterMark: MIB })) if (!out.write(piece)) await once(out, "drain");
  out.end();
  await once(out, "finish");
  await rename(temporary, path);
}

function human(bytes) {
  if (bytes < 10_000) return `${bytes} B`;
  return bytes < 10_000_000 ? `${(bytes / 1000).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The table's lines, its head first. */
function tableLines() {
  const body = rows.map((row) => [row.label, `${(row.tookMs / 1000).toFixed(2)} s`, human(row.up), human(row.down), row.note]);
  return [["step", "time", "laptop's wire", "phone's wire", ""], ...body];
}

function printTable() {
  const lines = tableLines();
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  for (const [index, line] of lines.entries()) {
    const cells = line.map((cell, column) => (column === 0 || column === 4 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])));
    console.log(cells.join("  ").trimEnd());
    if (index === 0) console.log(widths.map((width) => "─".repeat(width)).join("  "));
  }
}

async function main() {
  progress("preparing the laptop's folder");
  if (source === undefined) await copyDependencies(laptop.path("dependencies"));
  else await copyTree(resolve(source), laptop.path("tree"));
  await writeSeeded(laptop.path("large.bin"), "twinfold demo", LARGE_BYTES);
  mkdirSync(laptop.path("empty"));
  mkdirSync(laptop.path("work/drafts"), { recursive: true });
  await writeFile(laptop.path("work/plan.txt"), "the plan\n");
  await writeFile(laptop.path("work/drafts/a.txt"), "a draft\n");
  await writeFile(laptop.path("run.sh"), "#!/bin/sh\necho hello\n", { mode: 0o755 });
  await symlink("work/plan.txt", laptop.path("link-to-plan"));
  const files = [...listing(laptop.folder).values()].filter((entry) => entry.startsWith("file")).length;

  const port = await freePort();
  mkdirSync(join(home, "server-home"));
  let server = await serve(port);
  await laptop.run(["signup", "--server", server.url, "--email", EMAIL, "--device", "laptop", "--password-stdin"], { input: PASSWORD });
  await phone.run(["login", "--server", server.url, "--email", EMAIL, "--device", "phone", "--password-stdin"], { input: PASSWORD });
  for (const device of [laptop, phone]) await device.run(["link", device.folder, "--workspace", "demo"]);

  await step("first sync", async () => {
    const up = await laptop.once();
    progress("first sync, on the phone");
    const down = await phone.once();
    return { bytes: { up: up.bytesSent + up.bytesReceived, down: down.bytesSent + down.bytesReceived }, note: `${files} files` };
  });
  await step("nothing changed", async () => {
    const up = await laptop.once();
    const down = await phone.once();
    return {
      bytes: { up: up.bytesSent + up.bytesReceived, down: down.bytesSent + down.bytesReceived },
      note: `${up.requests} + ${down.requests} requests`,
    };
  });

  await laptop.start();
  await phone.start();
  await step("an insertion at the front of the large file", async () => {
    await insertAtFront(laptop.path("large.bin"), "x");
    await arrived();
  });
  await step("a new file and an edit", async () => {
    await writeFile(laptop.path("work/new.txt"), "new\n");
    await appendFile(laptop.path("work/plan.txt"), "a second line\n");
    await arrived();
  });
  await step("a directory renamed", async () => {
    const [from, to] = source === undefined ? ["dependencies", "modules"] : ["tree", "renamed tree"];
    await rename(laptop.path(from), laptop.path(to));
    await arrived();
  });
  await step("a delete", async () => {
    await unlink(laptop.path("work/new.txt"));
    await rm(laptop.path("work/drafts"), { recursive: true });
    await arrived();
  });

  await laptop.stop();
  await phone.stop();
  await step("both edit one file while offline", async () => {
    await writeFile(laptop.path("work/plan.txt"), "the laptop's plan\n");
    await writeFile(phone.path("work/plan.txt"), "the phone's plan\n");
    const a = await laptop.once();
    const b = await phone.once();
    await laptop.once();
    const kept = new Set(
      readdirSync(laptop.path("work")).map(
        (name) => lstatSync(laptop.path(`work/${name}`)).isFile() && readFileSync(laptop.path(`work/${name}`), "utf8"),
      ),
    );
    if (!kept.has("the laptop's plan\n") || !kept.has("the phone's plan\n")) throw new Error("one of the two versions was lost");
    return {
      bytes: { up: a.bytesSent + a.bytesReceived, down: b.bytesSent + b.bytesReceived },
      note: `${a.conflicts + b.conflicts} conflict, both kept`,
    };
  });
  await step("one renames, the other edits", async () => {
    await rename(laptop.path("run.sh"), laptop.path("start.sh"));
    await appendFile(phone.path("run.sh"), "echo edited\n");
    const a = await laptop.once();
    const b = await phone.once();
    await laptop.once();
    if (!readFileSync(laptop.path("start.sh"), "utf8").includes("edited")) throw new Error("the edit is not in the renamed file");
    if (a.conflicts + b.conflicts > 0) throw new Error("a rename and an edit were taken for a conflict");
    return { bytes: { up: a.bytesSent + a.bytesReceived, down: b.bytesSent + b.bytesReceived }, note: "no conflict" };
  });

  await writeSeeded(laptop.path("second.bin"), "second", LARGE_BYTES);
  await step("the laptop killed in mid-upload", async () => {
    const blobs = join(home, "server", "blobs");
    const stored = () => sizeOf(blobs);
    const atStart = stored();
    const child = twinfold(["sync", laptop.folder, "--once", "--json"], laptop.home);
    child.stdin.end();
    drain(child);
    await until("half of it has arrived", async () => stored() - atStart > LARGE_BYTES / 2 || child.exitCode !== null);
    child.kill("SIGKILL");
    await exited(child);
    const arrivedBytes = stored() - atStart;
    const again = await laptop.once();
    if (again.bytesSent > LARGE_BYTES - arrivedBytes + 32 * MIB)
      throw new Error(`${human(again.bytesSent)} were sent again after ${human(arrivedBytes)} had arrived`);
    const down = await phone.once();
    return {
      bytes: { up: again.bytesSent + again.bytesReceived, down: down.bytesSent + down.bytesReceived },
      note: `${human(arrivedBytes)} had arrived and were not sent again`,
    };
  });

  await writeSeeded(laptop.path("third.bin"), "third", LARGE_BYTES);
  await laptop.once();
  await step("the server killed in mid-download", async () => {
    const staging = join(phone.folder, ".twinfold", "staging");
    await phone.start();
    await until("half of it is here", async () => existsSync(phone.path("third.bin")) || sizeOf(staging) > LARGE_BYTES / 2);
    server.child.kill("SIGKILL");
    await exited(server.child);
    const here = existsSync(phone.path("third.bin")) ? LARGE_BYTES : sizeOf(staging);
    server = await serve(port);
    await until("the rest is here", async () => existsSync(phone.path("third.bin")));
    await until("the folders are alike", async () => quickly(laptop.folder, phone.folder));
    const { sent, received } = await phone.wire();
    await phone.stop();
    if (received > LARGE_BYTES + 40 * MIB) throw new Error(`${human(received)} were received for a file of ${human(LARGE_BYTES)}`);
    return { bytes: { up: 0, down: sent + received }, note: `${human(here)} were here and were not sent again` };
  });

  await step("an older revision restored", async () => {
    const { revisions } = await laptop.run(["revisions", laptop.path("work/plan.txt")]);
    const first = revisions.at(-1);
    await laptop.run(["restore", laptop.path("work/plan.txt"), "--revision", String(first.revision)]);
    const a = await laptop.once();
    const b = await phone.once();
    if (readFileSync(phone.path("work/plan.txt"), "utf8") !== "the plan\n") throw new Error("the older revision is not what it was");
    return {
      bytes: { up: a.bytesSent + a.bytesReceived, down: b.bytesSent + b.bytesReceived },
      note: `revision ${first.revision} of ${revisions.length}`,
    };
  });

  await step("a large file copied", async () => {
    await copyFile(laptop.path("large.bin"), laptop.path("copy.bin"));
    const a = await laptop.once();
    const b = await phone.once();
    return { bytes: { up: a.bytesSent + a.bytesReceived, down: b.bytesSent + b.bytesReceived }, note: "no content sent" };
  });

  server.child.kill("SIGTERM");
  await exited(server.child);
}

function sizeOf(folder) {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      bytes += entry.isDirectory() ? sizeOf(path) : lstatSync(path).size;
    }
  } catch {
    // The folder is not there yet, or a temporary file in it has just gone.
  }
  return bytes;
}

let failure;
try {
  await main();
  progress("done");
  if (process.stderr.isTTY) process.stderr.write("\n");
} catch (error) {
  failure = error;
} finally {
  for (const child of running) child.kill("SIGKILL");
  if (rows.length > 0) {
    console.log("");
    printTable();
  }
  if (picture !== undefined && failure === undefined) await writeFile(picture, tablePicture("npm run demo", tableLines()));
  if (failure !== undefined) console.error(`\nThe demo failed: ${failure.stack ?? failure}`);
  else console.log("\nAfter each step both folders were compared byte for byte: contents, exec bits, links, empty directories. All agree.");
  if (keep) console.log(`Kept in ${home}`);
  else rmSync(home, { recursive: true, force: true });
}
process.exitCode = failure === undefined ? 0 : 1;
