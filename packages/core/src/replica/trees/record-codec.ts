import { type Codec, boolean, decode, encode, id, optional, string, word } from "../../codec/codec.js";
import { type ByteReader, malformed } from "../../codec/byte-reader.js";
import type { ByteWriter } from "../../codec/byte-writer.js";
import type { NodeId } from "../../ids.js";
import type { LocalStat } from "../../local/local-tree.js";
import { type NameRules, slotKey } from "../../local/name-rules.js";
import type { ReplicaRow } from "../../metadata/replica-store.js";
import { MAX_NAME_BYTES, nameKey, parseName } from "../../names.js";
import { type Content, contentCodec, type Head, headCodec, placeCodec, sameContent, samePlace } from "../../node.js";
import { type Away, isDirty, isLive, type LocalState, nameHere, type NodeRecord, type SyncedState } from "../../reconcile/node-record.js";
import { type VersionVector, versionVectorCodec } from "../../version-vector.js";

const nodeId = id<NodeId>(16);
const kind = word({ file: 1, directory: 2, symlink: 3, other: 4 });
const inode = string(64);
const remote = optional(headCodec);
const away = optional(word<Away>({ elsewhere: 1, excluded: 2 }));
const alias = string(MAX_NAME_BYTES);

const statCodec: Codec<LocalStat> = {
  write: (writer, stat) => {
    kind.write(writer, stat.kind);
    writer.varint(stat.sizeBytes);
    writer.int64(stat.mtimeNs);
    writer.int64(stat.ctimeNs);
    inode.write(writer, stat.inode);
    boolean.write(writer, stat.executable);
    writer.varint(stat.links);
  },
  read: (reader) => ({
    kind: kind.read(reader),
    sizeBytes: reader.varint(),
    mtimeNs: reader.int64(),
    ctimeNs: reader.int64(),
    inode: inode.read(reader),
    executable: boolean.read(reader),
    links: reader.varint(),
  }),
};

/*
 * Local and synced state begin with a tag of these bits; 0 stands for no state. Most nodes are in all three trees alike: what is as the hub's head
 * says is not written again, and not read again either.
 */
const PRESENT = 1;
const PLACE_OF_REMOTE = 2;
const CONTENT_OF_REMOTE = 4;

function writeLocal(writer: ByteWriter, { place, content, stat, suspect }: LocalState, head: Head | undefined): void {
  const ofPlace = head !== undefined && samePlace(place, head.place);
  const ofContent = head !== undefined && isSame(content, head.content);
  writeTag(writer, ofPlace, ofContent);
  if (!ofPlace) placeCodec.write(writer, place);
  if (!ofContent) contentCodec.write(writer, content);
  statCodec.write(writer, stat);
  boolean.write(writer, suspect);
}

function writeSynced(writer: ByteWriter, { place, placeVector, content, contentVector }: SyncedState, head: Head | undefined): void {
  const ofPlace = head !== undefined && samePlace(place, head.place) && isSameVector(placeVector, head.placeVector);
  const ofContent = head !== undefined && isSame(content, head.content) && isSameVector(contentVector, head.contentVector);
  writeTag(writer, ofPlace, ofContent);
  if (!ofPlace) {
    placeCodec.write(writer, place);
    versionVectorCodec.write(writer, placeVector);
  }
  if (!ofContent) {
    contentCodec.write(writer, content);
    versionVectorCodec.write(writer, contentVector);
  }
}

function writeTag(writer: ByteWriter, ofPlace: boolean, ofContent: boolean): void {
  writer.byte(PRESENT | (ofPlace ? PLACE_OF_REMOTE : 0) | (ofContent ? CONTENT_OF_REMOTE : 0));
}

/** What a state has of its own; the rest is the hub's head's, which comes later. */
function readLocal(reader: ByteReader) {
  const tag = readTag(reader);
  if (tag === 0) return undefined;
  const place = tag & PLACE_OF_REMOTE ? undefined : placeCodec.read(reader);
  const content = tag & CONTENT_OF_REMOTE ? undefined : contentCodec.read(reader);
  return { place, content, stat: statCodec.read(reader), suspect: boolean.read(reader) };
}

function readSynced(reader: ByteReader) {
  const tag = readTag(reader);
  if (tag === 0) return undefined;
  const placed = tag & PLACE_OF_REMOTE ? undefined : { place: placeCodec.read(reader), placeVector: versionVectorCodec.read(reader) };
  const held = tag & CONTENT_OF_REMOTE ? undefined : { content: contentCodec.read(reader), contentVector: versionVectorCodec.read(reader) };
  return { placed, held };
}

function readTag(reader: ByteReader): number {
  const tag = reader.byte();
  if (tag !== 0 && ((tag & PRESENT) === 0 || tag > (PRESENT | PLACE_OF_REMOTE | CONTENT_OF_REMOTE))) throw malformed(`an unknown state ${tag}`);
  return tag;
}

function localWith(own: ReturnType<typeof readLocal>, head: Head | undefined): LocalState | undefined {
  if (own === undefined) return undefined;
  const { stat, suspect } = own;
  return { place: own.place ?? mustHave(head).place, content: own.content ?? mustHave(head).content, stat, suspect };
}

function syncedWith(own: ReturnType<typeof readSynced>, head: Head | undefined): SyncedState | undefined {
  if (own === undefined) return undefined;
  const { place, placeVector } = own.placed ?? mustHave(head);
  const { content, contentVector } = own.held ?? mustHave(head);
  return { place, placeVector, content, contentVector };
}

function mustHave(head: Head | undefined): Head {
  if (head === undefined) throw malformed("a state that is as a head that is not there");
  return head;
}

/** Also in what is never a change by itself. */
function isSame(a: Content, b: Content): boolean {
  if (a === b) return true;
  return sameContent(a, b) && (a.kind !== "file" || b.kind !== "file" || (a.mtimeNs === b.mtimeNs && a.sizeBytes === b.sizeBytes));
}

/** Also in the order of the replicas. */
function isSameVector(a: VersionVector, b: VersionVector): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  const others = b.entries();
  for (const [replicaId, counter] of a) {
    const [otherId, otherCounter] = others.next().value ?? [];
    if (replicaId !== otherId || counter !== otherCounter) return false;
  }
  return true;
}

/** The alias is last: rows of older programs end before it. */
export const recordCodec: Codec<NodeRecord> = {
  write: (writer, record) => {
    nodeId.write(writer, record.nodeId);
    if (record.local === undefined) writer.byte(0);
    else writeLocal(writer, record.local, record.remote);
    if (record.synced === undefined) writer.byte(0);
    else writeSynced(writer, record.synced, record.remote);
    remote.write(writer, record.remote);
    if (record.former === undefined) writer.byte(0);
    else writeSynced(writer, record.former, undefined);
    away.write(writer, record.away);
    if (record.local?.alias !== undefined) alias.write(writer, record.local.alias);
  },
  read: (reader) => {
    const id = nodeId.read(reader);
    const ownLocal = readLocal(reader);
    const ownSynced = readSynced(reader);
    const head = remote.read(reader);
    const former = syncedWith(readSynced(reader), undefined);
    const word = away.read(reader);
    const shown = reader.remaining > 0 ? parseName(alias.read(reader)) : undefined;
    const local = localWith(ownLocal, head);
    const synced = syncedWith(ownSynced, head);
    return {
      nodeId: id,
      ...(local && { local: shown === undefined ? local : { ...local, alias: shown } }),
      ...(synced && { synced }),
      ...(head && { remote: head }),
      ...(former && { former }),
      ...(word && { away: word }),
    };
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
