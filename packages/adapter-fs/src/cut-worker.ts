import { parentPort } from "node:worker_threads";
import { createCutWindow, encodeManifest, MAX_MANIFEST_BYTES } from "@twinfold/core";
import { CUT_WINDOW_BYTES, cutFile } from "./cut-file.js";
import type { CutAnswer, CutRequest } from "./cutting-pool.js";

/** A thread of the cutting pool: one file after another, in one window. */
const window = createCutWindow(CUT_WINDOW_BYTES);

parentPort?.on("message", ({ id, descriptor, sizeBytes, stopped }: CutRequest) => {
  const manifest = manifestOf(() => cutFile(descriptor, sizeBytes, window, () => Atomics.load(stopped, 0) === 1));
  parentPort?.postMessage({ id, manifest } satisfies CutAnswer, manifest === undefined ? [] : [manifest.buffer]);
});

/** `undefined` for what has to be done elsewhere: a read failed, and will tell so there, or the list is beyond what travels. */
function manifestOf(cut: () => ReturnType<typeof cutFile>): Uint8Array<ArrayBuffer> | undefined {
  try {
    const manifest = cut();
    const encoded = manifest && new Uint8Array(encodeManifest(manifest));
    return encoded !== undefined && encoded.length <= MAX_MANIFEST_BYTES ? encoded : undefined;
  } catch {
    return undefined;
  }
}
