import { chunkBytes, chunkIdOf, chunkProfileFor, type Content, encodeManifest, manifestIdOf } from "@twinfold/core";
import type { SeenEntry } from "../folder.js";
import { readHubTree } from "../hub-tree.js";
import { describeEntries, type Oracle } from "../oracle.js";
import { nodeSha256 } from "../sim-env.js";

/** When everything is mended and at rest, all folders are equal, and equal to the hub's heads: tree, bytes, exec bits, link targets. */
export function convergence(): Oracle {
  return {
    id: "I1",
    async onRest(world, fail) {
      const [first, ...others] = world.devices;
      if (first === undefined) return;
      const expected = describeEntries(first.folder.entries(), world.ledger);
      for (const other of others) {
        const actual = describeEntries(other.folder.entries(), world.ledger);
        if (actual !== expected) fail(`${first.name} and ${other.name} differ:\n${difference(expected, actual, first.name, other.name)}`);
      }
      const { byPath } = await readHubTree(world);
      const hub = [...byPath].map(([path, { content }]) => `${path}: ${describeContent(content)}`).sort();
      const folder = [...first.folder.entries()].map(([path, entry]) => `${path}: ${describeContent(contentOf(entry))}`).sort();
      if (hub.join("\n") !== folder.join("\n")) {
        fail(`the hub and ${first.name} differ:\n${difference(hub.join("\n"), folder.join("\n"), "hub", first.name)}`);
      }
    },
  };
}

function contentOf(entry: SeenEntry): Pick<Content, "kind"> & { manifestId?: string; executable?: boolean; target?: string } {
  if (entry.kind === "file") return { kind: "file", executable: entry.executable, manifestId: manifestOf(entry.bytes) };
  return entry.kind === "symlink" ? entry : { kind: "directory" };
}

function describeContent(content: Content | ReturnType<typeof contentOf>): string {
  const { kind, manifestId = "", executable = false, target = "" } = content as ReturnType<typeof contentOf>;
  return `${kind} ${manifestId.slice(0, 12)}${executable ? " executable" : ""}${target}`;
}

function manifestOf(bytes: Uint8Array): string {
  let at = 0;
  const entries = chunkBytes(bytes, chunkProfileFor(bytes.length)).map((lengthBytes) => {
    const chunk = bytes.subarray(at, at + lengthBytes);
    at += lengthBytes;
    return { chunkId: chunkIdOf(chunk, nodeSha256), lengthBytes };
  });
  return manifestIdOf(encodeManifest(entries), nodeSha256);
}

function difference(expected: string, actual: string, here: string, there: string): string {
  const [left, right] = [new Set(expected.split("\n")), new Set(actual.split("\n"))];
  return [
    ...[...left].filter((line) => !right.has(line)).map((line) => `  only ${here}: ${line}`),
    ...[...right].filter((line) => !left.has(line)).map((line) => `  only ${there}: ${line}`),
  ].join("\n");
}
