import { createHash } from "node:crypto";
import { chunkBytes, chunkIdOf, chunkProfileFor, encodeManifest, type ManifestId, manifestIdOf } from "@twinfold/core";
import { nodeSha256 } from "./sim-env.js";

/** One state of a file that somebody wrote as a whole. */
export interface Payload {
  readonly id: number;
  readonly device: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** It may be kept and may be gone: a state on the way of a program that writes in steps, bytes that several people write, what became of which nobody was told. */
  isPassing: boolean;
  /** It has been in a folder. A program may have died before. */
  isPlaced: boolean;
  /** Devices on which a person replaced or deleted it where it could be seen. */
  readonly supersededBy: Set<string>;
  /** One of them had put it there itself, just before its process died or its disk failed, and could not know that it had: then nobody saw it go. */
  isUnnoted: boolean;
  /** Devices on which a person did something else with the file that held it, or with a folder above. */
  readonly touchedBy: Set<string>;
  /** What the same file held before, in each file that held it: an empty file may follow anything. */
  readonly follows: Set<Payload>;
  /** Further files into which a person copied it. */
  copies: number;
  /** What had been in the folder of its device when it was written: it was written after all that. */
  readonly after: Set<Payload>;
  /** Where people put it, or moved a directory in which it was or had been: a device, and a path there. */
  readonly places: Array<{ readonly device: string; readonly path: string }>;
  /** Somebody brought it back from the trash or from the revisions. */
  isRestored: boolean;
  /** A device let go of its copy, because the hub has it. */
  isFreed: boolean;
}

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

/** Knows every payload that was ever written, and what superseded it. */
export class Ledger {
  readonly #byKey = new Map<string, Payload>();
  readonly #manifestIds = new Map<string, ManifestId>();
  readonly #bytes: Uint8Array[] = [];
  readonly payloads: Payload[] = [];
  /** Names in the ignore rules that were ever written. */
  readonly ruledNames = new Set<string>();
  /** Names that people gave to what is no new file: directories, symlinks, what was moved or copied. */
  readonly shapedNames = new Set<string>();
  /** Files that people replaced, emptied, deleted or gave up so far. */
  removals = 0;

  /** New bytes that nobody wrote before: `before` (of a file that is appended to or inserted into), a short name, filling, and `after`. */
  write(device: string, path: string, sizeBytes: number, before: Uint8Array = NOTHING, after: Uint8Array = NOTHING): Uint8Array {
    const id = this.payloads.length;
    const name = encoder.encode(`#${id} ${device} ${path}\n`);
    const filledUntil = before.length + name.length + sizeBytes;
    const bytes = new Uint8Array(filledUntil + after.length);
    bytes.set(before);
    bytes.set(name, before.length);
    fill(bytes.subarray(before.length + name.length, filledUntil), id);
    bytes.set(after, filledUntil);
    this.#add(bytes, device, path, false);
    return bytes;
  }

  /** A text that begins with a line of its own, `#` and what it is. */
  writeText(device: string, path: string, text: string): Uint8Array {
    const bytes = encoder.encode(`#${this.payloads.length} ${device} ${path}\n${text}`);
    this.#add(bytes, device, path, false);
    return bytes;
  }

  /** Bytes that several people may write, or that a program leaves for a moment. */
  passing(device: string, path: string, bytes: Uint8Array): Uint8Array {
    if (this.identify(bytes) === undefined) this.#add(bytes, device, path, true);
    return bytes;
  }

  #add(bytes: Uint8Array, device: string, path: string, isPassing: boolean): void {
    const payload: Payload = {
      id: this.payloads.length,
      device,
      path,
      sizeBytes: bytes.length,
      isPassing,
      isPlaced: false,
      supersededBy: new Set(),
      touchedBy: new Set(),
      isUnnoted: false,
      follows: new Set(),
      copies: 0,
      after: new Set(),
      places: [{ device, path }],
      isRestored: false,
      isFreed: false,
    };
    this.payloads.push(payload);
    this.#bytes.push(bytes);
    this.#byKey.set(bytesKey(bytes), payload);
  }

  /** The payload that these bytes are, whole. */
  identify(bytes: Uint8Array): Payload | undefined {
    return this.#byKey.get(bytesKey(bytes));
  }

  /** Of a file of these bytes. */
  manifestIdOf(bytes: Uint8Array): ManifestId {
    const key = bytesKey(bytes);
    const known = this.#manifestIds.get(key);
    if (known !== undefined) return known;
    const manifestId = manifestOf(bytes);
    this.#manifestIds.set(key, manifestId);
    return manifestId;
  }

  manifestIdOfPayload({ id }: Payload): ManifestId {
    return this.manifestIdOf(this.#bytes[id] as Uint8Array);
  }

  identifyManifest(manifestId: ManifestId): Payload | undefined {
    return this.payloads.find((payload) => this.manifestIdOfPayload(payload) === manifestId);
  }

  identifyKey(key: string): Payload | undefined {
    return this.#byKey.get(key);
  }
}

/** Stands for the bytes: equal keys, equal bytes. */
export function bytesKey(bytes: Uint8Array): string {
  return bytes.length <= 256
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
    : createHash("sha256").update(bytes).digest("hex");
}

function manifestOf(bytes: Uint8Array): ManifestId {
  let at = 0;
  const entries = chunkBytes(bytes, chunkProfileFor(bytes.length)).map((lengthBytes) => {
    const chunk = bytes.subarray(at, at + lengthBytes);
    at += lengthBytes;
    return { chunkId: chunkIdOf(chunk, nodeSha256), lengthBytes };
  });
  return manifestIdOf(encodeManifest(entries), nodeSha256);
}

/** The same for the same id, and of no use to a compressor or a chunker that looks for repeats. */
function fill(into: Uint8Array, id: number): void {
  let x = (id * 2_654_435_761) | 1;
  for (let i = 0; i < into.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    into[i] = x;
  }
}
