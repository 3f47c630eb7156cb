import { defineConfig, type Options } from "tsup";

/** One build for every package: ES modules for Node 20 and browsers, with types. */
export function packageBuild(options: Options = {}) {
  return defineConfig({
    entry: ["src/index.ts"],
    format: "esm",
    target: "es2022",
    sourcemap: true,
    clean: true,
    dts: true,
    tsconfig: "../../tsconfig.build.json",
    ...options,
  });
}
