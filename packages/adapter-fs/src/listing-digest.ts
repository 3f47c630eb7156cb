import { createHash } from "node:crypto";
import type { FileStat } from "@twinfold/core";

/** Entries whose stats are hashed together: 56 bytes each. */
const BATCH = 512;
const WORDS = 7;
const KINDS: Readonly<Record<FileStat["kind"], number>> = { file: 1, directory: 2, symlink: 3, other: 4 };

/**
 * Digests the entries of a directory, in whatever order they are given, from what the disk says of each.
 *
 * Of a directory only that counts which tells it from another one: device, inode and birth. Memory is bounded by a constant.
 */
export class ListingDigest {
  readonly #hash = createHash("sha256");
  readonly #words = new BigInt64Array(BATCH * WORDS);
  #names = "";
  #batched = 0;
  #count = 0;

  /** `device`: of the entry, as a number that stays when the disk is mounted again. */
  add(name: string, stat: FileStat, device: bigint): void {
    const words = this.#words;
    const at = this.#batched * WORDS;
    const isDirectory = stat.kind === "directory";
    const isExecutable = !isDirectory && (stat.mode & 0o111) !== 0;
    words[at] = BigInt(KINDS[stat.kind] + (isExecutable ? 8 : 0) + (isDirectory ? 0 : stat.links * 16));
    words[at + 1] = device;
    words[at + 2] = stat.ino;
    words[at + 3] = stat.birthNs;
    words[at + 4] = isDirectory ? 0n : BigInt(stat.sizeBytes);
    words[at + 5] = isDirectory ? 0n : stat.mtimeNs;
    words[at + 6] = isDirectory ? 0n : stat.ctimeNs;
    // No name holds a NUL.
    this.#names += `${name}\0`;
    this.#batched += 1;
    if (this.#batched === BATCH) this.#flush();
  }

  /** 32 bytes. To be asked for once. */
  digest(): Uint8Array {
    this.#flush();
    this.#words[0] = BigInt(this.#count);
    this.#hash.update(this.#words.subarray(0, 1));
    return new Uint8Array(this.#hash.digest());
  }

  #flush(): void {
    this.#hash.update(this.#words.subarray(0, this.#batched * WORDS)).update(this.#names, "utf8");
    this.#count += this.#batched;
    this.#names = "";
    this.#batched = 0;
  }
}
