// Writes versions without a pause until it is told to stop: each is one number over and over, written in one call.
// overwritten.bin in place, replaced.bin by a rename, appended.log with a whole record at a time.
import { closeSync, openSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [folder, pauseMs] = [process.argv[2], Number(process.argv[3])];
const RECORD_BYTES = 4096;
const OVERWRITTEN_BYTES = 24 * 1024 * 1024;

let isStopped = false;
process.on("SIGTERM", () => {
  isStopped = true;
});

const overwritten = openSync(join(folder, "overwritten.bin"), "w");
const appended = openSync(join(folder, "appended.log"), "a");
for (let version = 1; !isStopped; version++) {
  writeSync(overwritten, new Uint32Array(OVERWRITTEN_BYTES / 4).fill(version), 0, OVERWRITTEN_BYTES, 0);
  writeSync(appended, new Uint32Array(RECORD_BYTES / 4).fill(version));
  const draft = join(folder, ".draft");
  writeFileSync(draft, new Uint32Array(100_000 + (version % 7) * 10_000).fill(version));
  renameSync(draft, join(folder, "replaced.bin"));
  await sleep(version % 10 === 0 ? pauseMs : 0);
}
closeSync(overwritten);
closeSync(appended);
