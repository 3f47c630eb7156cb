// Serves the folder that is named first, in a process of its own that a test may kill; prints its address.
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const sourceOf = (name) => fileURLToPath(new URL(`../../${name}/src/index.ts`, import.meta.url));
const names = ["core", "adapter-fs", "adapter-sqlite", "reference-server"];
const alias = Object.fromEntries(names.map((name) => [`@twinfold/${name}`, sourceOf(name)]));
const { module } = await runnerImport(sourceOf("reference-server"), { configFile: false, resolve: { alias }, logLevel: "error" });
const { url } = await module.createServer({ dataDir: process.argv[2], listen: "127.0.0.1:0" });
console.log(url);
