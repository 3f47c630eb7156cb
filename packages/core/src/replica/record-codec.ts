import { type Codec, boolean, decode, encode, id, int64, optional, string, struct, trailing, varint, word } from "../codec/codec.js";
import type { NodeId } from "../ids.js";
import type { LocalStat } from "../local/local-tree.js";
import { type NameRules, slotKey } from "../local/name-rules.js";
import type { ReplicaRow } from "../metadata/replica-store.js";
import { MAX_NAME_BYTES, nameKey, parseName } from "../names.js";
import { contentCodec, headCodec, placeCodec } from "../node.js";
import { isDirty, isLive, type LocalState, nameHere, type NodeRecord, type SyncedState } from "../reconcile/node-record.js";
import { versionVectorCodec } from "../version-vector.js";

const statCodec: Codec<LocalStat> = struct<LocalStat>({
  kind: word({ file: 1, directory: 2, symlink: 3, other: 4 }),
  sizeBytes: varint,
  mtimeNs: int64,
  ctimeNs: int64,
  inode: string(64),
  executable: boolean,
  links: varint,
});

const localCodec = struct<Omit<LocalState, "alias">>({
  place: placeCodec,
  content: contentCodec,
  stat: statCodec,
  suspect: boolean,
});

const syncedCodec: Codec<SyncedState> = struct<SyncedState>({
  place: placeCodec,
  placeVector: versionVectorCodec,
  content: contentCodec,
  contentVector: versionVectorCodec,
});

interface StoredRecord extends NodeRecord {
  readonly alias?: string | undefined;
}

const storedCodec = struct<StoredRecord>({
  nodeId: id<NodeId>(16),
  local: optional(localCodec),
  synced: optional(syncedCodec),
  remote: optional(headCodec),
  former: optional(syncedCodec),
  away: optional(word({ elsewhere: 1, excluded: 2 })),
  alias: trailing(string(MAX_NAME_BYTES)),
});

export const recordCodec: Codec<NodeRecord> = {
  write: (writer, record) => storedCodec.write(writer, { ...record, alias: record.local?.alias }),
  read: (reader) => {
    const { alias, ...record } = storedCodec.read(reader);
    return alias === undefined || record.local === undefined ? record : { ...record, local: { ...record.local, alias: parseName(alias) } };
  },
};

export function rowToRecord(row: ReplicaRow): NodeRecord {
  return decode(recordCodec, row.body);
}

/** `names`: which names are one on this disk, since a row is found by its name there. */
export function recordToRow(record: NodeRecord, names: Pick<NameRules, "foldsCase">): ReplicaRow {
  const { nodeId, local, remote } = record;
  return {
    nodeId,
    body: encode(recordCodec, record),
    dirty: isDirty(record),
    local: local && {
      parentId: local.place.parentId,
      nameKey: slotKey(nameHere(local), names),
      inode: local.stat.inode,
      manifestId: local.content.kind === "file" ? local.content.manifestId : undefined,
    },
    remote: isLive(remote) ? { parentId: remote.place.parentId, nameKey: nameKey(remote.place.name) } : undefined,
  };
}
