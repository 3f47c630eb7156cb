// Cuts the file `a` of a linked folder with the built package, prints its chunks, and closes nothing.
import { subscribe } from "node:diagnostics_channel";
import { createFsLocalTree } from "@twinfold/adapter-fs";

let threads = 0;
subscribe("worker_threads", () => {
  threads += 1;
});
const [root, rootId] = process.argv.slice(2);
const tree = createFsLocalTree({ root, rootId });
const manifest = await tree.cut("a", await tree.stat("a"));
console.log(JSON.stringify({ manifest, threads, hasWebAssembly: typeof WebAssembly === "object" }));
