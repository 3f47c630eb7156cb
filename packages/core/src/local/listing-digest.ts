import { ByteWriter } from "../codec/byte-writer.js";
import type { Sha256 } from "../env.js";
import type { LocalListing } from "./local-tree.js";

/**
 * 32 bytes over the names and stats in a listing, whatever its order: what stands in for {@link LocalListing.digest} where a tree gives none.
 *
 * Of a directory only that counts which tells it from another one, as for `isAsExpected`: its times are those of what is in it.
 */
export function listingDigest({ entries }: LocalListing, sha256: Sha256): Uint8Array {
  const writer = new ByteWriter(entries.length * 80);
  for (const { name, stat } of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    writer.string(name);
    writer.string(stat.kind);
    writer.string(stat.inode);
    if (stat.kind === "directory") continue;
    writer.varint(stat.sizeBytes);
    writer.int64(stat.mtimeNs);
    writer.int64(stat.ctimeNs);
    writer.byte(stat.executable ? 1 : 0);
    writer.varint(stat.links);
  }
  return sha256(writer.finish());
}
