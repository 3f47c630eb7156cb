import { type Codec, decode, encode, id, list, string, struct, varint } from "../../codec/codec.js";
import { bytesToHex } from "../../codec/hex.js";
import { DEFAULT_RULES } from "../../ignore/default-rules.js";
import type { NodeId } from "../../ids.js";
import { listingDigest } from "../../local/listing-digest.js";
import type { LocalListing } from "../../local/local-tree.js";
import { MAX_NAME_BYTES, type NodeName, parseName } from "../../names.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { Level } from "../scope/scope.js";

/** Raised whenever other records are made of the same listing and rules: what was noted before is then not believed. */
const LOOK_FORMAT = 1;
/** Of a directory with more directories in it nothing is noted: their names would be megabytes that are written with every change. */
const MAX_DIRECTORIES = 10_000;
const SEAL_BYTES = 32;

/** What came of a look at a directory. */
export interface Look {
  /** Entries that the local tree has. */
  readonly entries: number;
  /** Entries that rules leave alone. */
  readonly ignored: number;
  readonly directories: ReadonlyArray<{ readonly nodeId: NodeId; readonly name: NodeName }>;
}

const lookCodec: Codec<Look> = struct<Look>({
  entries: varint,
  ignored: varint,
  directories: list(
    struct<Look["directories"][number]>({
      nodeId: id<NodeId>(16),
      name: {
        write: string(MAX_NAME_BYTES).write,
        read: (reader) => parseName(reader.string(MAX_NAME_BYTES)),
      },
    }),
    MAX_DIRECTORIES,
  ),
});

/**
 * Remembered looks: of a directory in which every entry was as the local tree has it, what the next look would find as long as nothing changes.
 *
 * A look is sealed by a digest over the listing and over all that reaches the directory from above and decides what is made of the listing. Its store forgets
 * it with every record that changes in the directory. So while the seal is right, records and rules are those that the directory was looked at with, and the
 * disk has what it had then: what was written since would have left a trace in a stat, as every record there was sure.
 */
export class Looks {
  readonly #parts: Pick<ReplicaParts, "trees" | "env" | "scope">;
  readonly #encoder = new TextEncoder();
  /** Most directories have the rules of the one above, as the same array. */
  readonly #stamps = new WeakMap<Level["files"], string>();

  constructor(parts: Pick<ReplicaParts, "trees" | "env" | "scope">) {
    this.#parts = parts;
  }

  digestOf(listing: LocalListing): Uint8Array {
    return listing.digest ?? listingDigest(listing, this.#parts.env.sha256);
  }

  /** In bytes for the store; `undefined` when there is too much to note. `digest`: of the listing. */
  write(look: Look, level: Level, digest: Uint8Array): Uint8Array | undefined {
    if (look.directories.length > MAX_DIRECTORIES) return undefined;
    const body = encode(lookCodec, look);
    const bytes = new Uint8Array(SEAL_BYTES + body.length);
    bytes.set(this.#seal(level, digest));
    bytes.set(body, SEAL_BYTES);
    return bytes;
  }

  /** `undefined` when the look was at another listing, or under other rules. */
  read(bytes: Uint8Array, level: Level, digest: Uint8Array): Look | undefined {
    const isSealed = this.#seal(level, digest).every((byte, at) => byte === bytes[at]);
    return isSealed ? decode(lookCodec, bytes.subarray(SEAL_BYTES)) : undefined;
  }

  #seal(level: Level, digest: Uint8Array): Uint8Array {
    const { trees, env, scope } = this.#parts;
    const { path, files, isChosen } = level;
    const context = JSON.stringify([LOOK_FORMAT, path, this.#stampOf(files), isChosen, scope.choice, DEFAULT_RULES.text, trees.names]);
    const head = this.#encoder.encode(context);
    const bytes = new Uint8Array(head.length + digest.length);
    bytes.set(head);
    bytes.set(digest, head.length);
    return env.sha256(bytes);
  }

  #stampOf(files: Level["files"]): string {
    let stamp = this.#stamps.get(files);
    if (stamp === undefined) {
      const text = JSON.stringify(files.map(({ directory, rules }) => [directory, rules.text]));
      stamp = files.length === 0 ? "" : bytesToHex(this.#parts.env.sha256(this.#encoder.encode(text)));
      this.#stamps.set(files, stamp);
    }
    return stamp;
  }
}
