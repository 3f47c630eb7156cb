import { type Codec, boolean, bytes, decode, encode, id, int64, string, struct, union, varint } from "./codec/codec.js";
import { malformed } from "./codec/byte-reader.js";
import type { ManifestId, NodeId, WorkspaceId } from "./ids.js";
import { MAX_NAME_BYTES, type NodeName, nameProblem } from "./names.js";
import { type VersionVector, versionVectorCodec } from "./version-vector.js";

/** Where a node is: one of the two parts of a node that are versioned and merged apart. */
export interface Place {
  readonly parentId: NodeId;
  readonly name: NodeName;
}

export interface FileContent {
  readonly kind: "file";
  readonly manifestId: ManifestId;
  readonly sizeBytes: number;
  readonly executable: boolean;
  /** Travels with the content; a difference of it alone is never a change. */
  readonly mtimeNs: bigint;
}

export interface SymlinkContent {
  readonly kind: "symlink";
  /** Exactly as readlink(2) gives it. */
  readonly target: string;
}

/** What a node holds: the other part. */
export type Content = FileContent | { readonly kind: "directory" } | SymlinkContent | { readonly kind: "mount"; readonly workspaceId: WorkspaceId };

export type NodeKind = Content["kind"];

/** The current version of a node as the hub has it. Of a deleted node it keeps what it was last. */
export interface Head {
  readonly nodeId: NodeId;
  readonly place: Place;
  readonly placeVector: VersionVector;
  readonly content: Content;
  readonly contentVector: VersionVector;
  readonly deleted: boolean;
  /** Versions that the node had as a file so far, its deletions survived: 1, 2, 3 …; 0 for what never was a file. */
  readonly revision: number;
  /** The journal row that made this version. */
  readonly seq: number;
}

/** Longest symlink target kept, in bytes of UTF-8. Source: PATH_MAX of Linux. */
export const MAX_TARGET_BYTES = 4096;

export function samePlace(a: Place, b: Place): boolean {
  return a.parentId === b.parentId && a.name === b.name;
}

/** True when nobody could tell the two apart: mtime does not count. */
export function sameContent(a: Content, b: Content): boolean {
  if (a.kind === "file") return b.kind === "file" && a.manifestId === b.manifestId && a.executable === b.executable;
  if (a.kind === "symlink") return b.kind === "symlink" && a.target === b.target;
  if (a.kind === "mount") return b.kind === "mount" && a.workspaceId === b.workspaceId;
  return b.kind === "directory";
}

const nodeId = id<NodeId>(16);

const nodeName: Codec<NodeName> = {
  write: (writer, name) => writer.string(name),
  read: (reader) => {
    const text = reader.string(MAX_NAME_BYTES);
    const problem = nameProblem(text);
    if (problem !== undefined) throw malformed(`the name ${JSON.stringify(text)} ${problem}`);
    return text as NodeName;
  },
};

export const placeCodec: Codec<Place> = struct<Place>({ parentId: nodeId, name: nodeName });

/*
 * A node travels as clear fields, which the hub checks, and one `meta` byte string (name, exec bit, mtime, link target),
 * which a sealed workspace encrypts. So the two parts are split here into what is clear and what is meta.
 */
type ClearContent =
  | { readonly kind: "file"; readonly manifestId: ManifestId; readonly sizeBytes: number }
  | { readonly kind: "directory" }
  | { readonly kind: "symlink" }
  | { readonly kind: "mount"; readonly workspaceId: WorkspaceId };

const clearContent = union<ClearContent>({
  file: { tag: 1, fields: struct({ manifestId: id<ManifestId>(32), sizeBytes: varint }) },
  directory: { tag: 2, fields: struct({}) },
  symlink: { tag: 3, fields: struct({}) },
  mount: { tag: 4, fields: struct({ workspaceId: id<WorkspaceId>(16) }) },
});

/** One for `executable`, eight for `mtimeNs`. */
const FILE_META_BYTES = 9;
const fileMeta = struct<{ readonly executable: boolean; readonly mtimeNs: bigint }>({ executable: boolean, mtimeNs: int64 });
const symlinkMeta = struct<{ readonly target: string }>({ target: string(MAX_TARGET_BYTES) });
const MAX_META_BYTES = MAX_TARGET_BYTES + 16;
const metaBytes = bytes(MAX_META_BYTES);
const NO_META = new Uint8Array(0);

export const contentCodec: Codec<Content> = {
  write: (writer, content) => {
    clearContent.write(writer, content);
    if (content.kind === "file") {
      writer.varint(FILE_META_BYTES);
      fileMeta.write(writer, content);
    } else if (content.kind === "symlink") metaBytes.write(writer, encode(symlinkMeta, content));
    else metaBytes.write(writer, NO_META);
  },
  read: (reader) => {
    const clear = clearContent.read(reader);
    const meta = reader.bytes(MAX_META_BYTES);
    if (clear.kind === "file") return { ...clear, ...decode(fileMeta, meta) };
    if (clear.kind === "symlink") return { ...clear, ...decode(symlinkMeta, meta) };
    if (meta.length > 0) throw malformed("meta where none belongs");
    return clear;
  },
};

export const headCodec: Codec<Head> = struct<Head>({
  nodeId,
  place: placeCodec,
  placeVector: versionVectorCodec,
  content: contentCodec,
  contentVector: versionVectorCodec,
  deleted: boolean,
  revision: varint,
  seq: varint,
});
