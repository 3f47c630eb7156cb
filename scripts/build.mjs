import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatSeconds, ROOT, runTool } from "./steps.mjs";

/** Packages in the order of their imports: each finds the types of those before it. */
export const PACKAGES = [
  "core",
  "adapter-fs",
  "adapter-sqlite",
  "adapter-s3",
  "adapter-indexeddb",
  "transport-http",
  "testing",
  "reference-server",
  "cli",
];

/** What each package's build depends on besides its own files. The lock file stands for the compilers' versions. */
const SHARED_INPUTS = ["package-lock.json", "tsconfig.base.json", "tsconfig.build.json", "tsup.shared.ts"];

const RECORD = join(ROOT, "node_modules", ".cache", "twinfold", "build.json");

function* filesBelow(path) {
  for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) yield* filesBelow(child);
    else yield child;
  }
}

/** Fingerprint of everything that the package is built from, by content: a checkout changes every mtime. */
function inputsOf(name, before) {
  const folder = join(ROOT, "packages", name);
  const files = [
    ...SHARED_INPUTS.map((file) => join(ROOT, file)),
    join(folder, "package.json"),
    join(folder, "tsup.config.ts"),
    ...filesBelow(join(folder, "src")),
  ];
  const hash = createHash("sha256").update(before);
  for (const file of files) hash.update(`\0${file.slice(ROOT.length)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

function readRecord() {
  try {
    return JSON.parse(readFileSync(RECORD, "utf8"));
  } catch {
    return {}; // absent or torn: everything is built again
  }
}

/** Names of the packages whose `dist` is not what their sources say, each with its fingerprint. */
export function outdatedPackages({ types }) {
  const record = readRecord();
  const outdated = [];
  let before = "";
  for (const name of PACKAGES) {
    const inputs = inputsOf(name, before);
    before = types ? inputs : "";
    const built = record[name];
    const wanted = types ? built?.types : built?.code;
    if (wanted !== inputs || !existsSync(join(ROOT, "packages", name, "dist"))) outdated.push({ name, inputs });
  }
  return outdated;
}

/**
 * Builds the packages that are out of date. Type declarations take 5 times as long as the code and nothing that runs needs them, so they are made only with `types`.
 */
export async function build({ types = false, report = () => {} } = {}) {
  for (const { name, inputs } of outdatedPackages({ types })) {
    const startedAt = performance.now();
    await runTool("tsup", ["--silent", ...(types ? [] : ["--no-dts"])], { cwd: join(ROOT, "packages", name) });
    const code = types ? inputsOf(name, "") : inputs;
    mkdirSync(dirname(RECORD), { recursive: true });
    writeFileSync(RECORD, JSON.stringify({ ...readRecord(), [name]: types ? { code, types: inputs } : { code } }));
    report(`built ${name} in ${formatSeconds(performance.now() - startedAt)}`);
  }
}
