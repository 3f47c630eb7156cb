import { encode } from "../codec/codec.js";
import { bytesToHex, hexToBytes } from "../codec/hex.js";
import type { Sha256 } from "../env.js";
import type { NodeId } from "../ids.js";
import { MAX_NAME_BYTES, type NodeName, parseName } from "../names.js";
import type { Content } from "../node.js";
import { type VersionVector, versionVectorCodec } from "../version-vector.js";

const encoder = new TextEncoder();
const CONFLICT = / \(conflict, [^()]*, \d{4}-\d{2}-\d{2}\)( \d+)?(?=\.[^./]*$|$)/;

/**
 * `notes.txt` → `notes (conflict, laptop, 2026-11-21).txt`, with ` 2`, ` 3` … for a second and third on one day.
 *
 * A conflict of a conflict copy is named after the first file, not after the copy. A name that would be too long loses the end of its stem.
 */
export function conflictName(name: NodeName, device: string, nowMs: number, attempt: number): NodeName {
  const original = name.replace(CONFLICT, "");
  const dot = original.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [original.slice(0, dot), original.slice(dot)] : [original, ""];
  const date = new Date(nowMs).toISOString().slice(0, 10);
  const safeDevice = device.replace(/[/\0()]/g, "-").slice(0, 40);
  const mark = ` (conflict, ${safeDevice}, ${date})${attempt > 1 ? ` ${attempt}` : ""}`;
  const fits = (text: string) => encoder.encode(text + mark + extension).length <= MAX_NAME_BYTES;
  const letters = [...stem];
  while (letters.length > 1 && !fits(letters.join(""))) letters.pop();
  return parseName(letters.join("") + mark + (fits(letters.join("")) ? extension : ""));
}

export function isConflictName(name: string): boolean {
  return CONFLICT.test(name);
}

/**
 * The id of the conflict copy that keeps `losing`: the same at every attempt and on every device that lost the same bytes.
 *
 * First 16 bytes of SHA-256("twinfold/conflict" ‖ node id ‖ base content vector ‖ losing manifest id or link target).
 */
export function conflictNodeId(nodeId: NodeId, base: VersionVector, losing: Content, sha256: Sha256): NodeId {
  const value = losing.kind === "file" ? hexToBytes(losing.manifestId) : encoder.encode(losing.kind === "symlink" ? losing.target : losing.kind);
  const parts = [encoder.encode("twinfold/conflict"), hexToBytes(nodeId), encode(versionVectorCodec, base), value];
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return bytesToHex(sha256(joined).subarray(0, 16)) as NodeId;
}
