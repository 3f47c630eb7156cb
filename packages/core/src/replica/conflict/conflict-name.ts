import { encode } from "../../codec/codec.js";
import { bytesToHex, hexToBytes } from "../../codec/hex.js";
import type { Sha256 } from "../../env.js";
import type { NodeId } from "../../ids.js";
import { markedName } from "../../marked-name.js";
import { MAX_NAME_BYTES, type NodeName } from "../../names.js";
import type { Content } from "../../node.js";
import { type VersionVector, versionVectorCodec } from "../../version-vector.js";

const encoder = new TextEncoder();
const MARK = /^(.+) \(conflict, ([^()]*), (\d{4}-\d{2}-\d{2})\)(?: (\d+))?(\.[^./]*)?$/s;

/** What the name of a conflict copy says. */
export interface ConflictMark {
  /** The name of the file that it is a copy of; cut short where the whole would have been too long. */
  readonly original: NodeName;
  /** The device that made the copy. */
  readonly device: string;
  /** The day on which it was made, as `2026-11-21`. */
  readonly date: string;
  /** Greater than 1 for a second, third … of that device on that day. */
  readonly attempt: number;
}

/**
 * `notes.txt` → `notes (conflict, laptop, 2026-11-21).txt`, with ` 2`, ` 3` … for a second and third on one day.
 *
 * A conflict of a conflict copy is named after the first file, not after the copy. A name that would be too long loses the end of its stem.
 */
export function conflictName(name: NodeName, device: string, nowMs: number, attempt: number): NodeName {
  return nameOfCopy(name, deviceInName(device), new Date(nowMs).toISOString().slice(0, 10), attempt);
}

function nameOfCopy(name: NodeName, device: string, date: string, attempt: number): NodeName {
  return markedName(parseConflictName(name)?.original ?? name, ` (conflict, ${device}, ${date})`, attempt);
}

/** An ordinary name for a conflict copy that is to stay: `notes (from laptop).txt`, with ` 2`, ` 3` …. */
export function keptName({ original, device }: ConflictMark, attempt: number): NodeName {
  return markedName(original, ` (from ${device})`, attempt);
}

/** A device's name as it stands in the names of its conflict copies. */
export function deviceInName(device: string): string {
  return [...device.replace(/[/\0()]/g, "-")].slice(0, 40).join("");
}

/** `undefined` for what is not the name of a conflict copy. */
export function parseConflictName(name: string): ConflictMark | undefined {
  const [, stem, device, date, attempt = "1", extension = ""] = MARK.exec(name) ?? [];
  if (stem === undefined || device === undefined || date === undefined) return undefined;
  return { original: (stem + extension) as NodeName, device, date, attempt: Number(attempt) };
}

export function isConflictName(name: string): boolean {
  return parseConflictName(name) !== undefined;
}

/** True of a conflict copy's name that may have lost the end of its stem: one letter, of at most four bytes, may have made it too long. */
export function mayBeCut(copy: NodeName): boolean {
  return encoder.encode(copy).length > MAX_NAME_BYTES - 4;
}

/** True when `copy` is a name that a conflict copy of `name` gets, made by whichever device and whenever. */
export function isConflictNameOf(copy: NodeName, name: NodeName): boolean {
  const mark = parseConflictName(copy);
  return mark !== undefined && copy !== name && nameOfCopy(name, mark.device, mark.date, mark.attempt) === copy;
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
