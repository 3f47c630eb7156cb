import { mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { twin } from "./two-folders.js";

const parent = await mkdtemp(join(tmpdir(), "two-folders-"));
const [left, right] = process.argv.length > 3 ? process.argv.slice(2) : [join(parent, "left"), join(parent, "right")];
if (left === undefined || right === undefined) throw new Error("name two folders, or none");
for (const folder of [left, right]) await mkdir(folder, { recursive: true });
await writeFile(join(left, "hello.txt"), "from the left\n");
await twin([left, right]);
console.log(`${right}: ${(await readdir(right)).join(", ")}`);
