import { type Codec, boolean, bytes, decode, encode, id, string, struct } from "./codec/codec.js";
import { type ByteReader, malformed } from "./codec/byte-reader.js";
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

/* What every row holds several times is written out here: a loop over named fields takes twice the time. */

export const placeCodec: Codec<Place> = {
  write: (writer, { parentId, name }) => {
    nodeId.write(writer, parentId);
    nodeName.write(writer, name);
  },
  read: (reader) => ({ parentId: nodeId.read(reader), name: nodeName.read(reader) }),
};

/*
 * A node travels as clear fields, which the hub checks, and one `meta` byte string (name, exec bit, mtime, link target),
 * which a sealed workspace encrypts. So the meta has a length of its own, also where it is of one size always.
 */

const KIND_TAGS: Readonly<Record<NodeKind, number>> = { file: 1, directory: 2, symlink: 3, mount: 4 };
const manifestId = id<ManifestId>(32);
const workspaceId = id<WorkspaceId>(16);

/** One for `executable`, eight for `mtimeNs`. */
const FILE_META_BYTES = 9;
const symlinkMeta = struct<{ readonly target: string }>({ target: string(MAX_TARGET_BYTES) });
const metaBytes = bytes(MAX_TARGET_BYTES + 16);

export const contentCodec: Codec<Content> = {
  write: (writer, content) => {
    writer.byte(KIND_TAGS[content.kind]);
    switch (content.kind) {
      case "file":
        manifestId.write(writer, content.manifestId);
        writer.varint(content.sizeBytes);
        writer.varint(FILE_META_BYTES);
        boolean.write(writer, content.executable);
        writer.int64(content.mtimeNs);
        return;
      case "symlink":
        metaBytes.write(writer, encode(symlinkMeta, content));
        return;
      case "mount":
        workspaceId.write(writer, content.workspaceId);
        writer.varint(0);
        return;
      case "directory":
        writer.varint(0);
        return;
      default:
        content satisfies never;
    }
  },
  read: (reader) => {
    const tag = reader.byte();
    switch (tag) {
      case KIND_TAGS.file: {
        const clear = { manifestId: manifestId.read(reader), sizeBytes: reader.varint() };
        mustHaveMeta(reader, FILE_META_BYTES);
        return { kind: "file", ...clear, executable: boolean.read(reader), mtimeNs: reader.int64() };
      }
      case KIND_TAGS.symlink:
        return { kind: "symlink", ...decode(symlinkMeta, metaBytes.read(reader)) };
      case KIND_TAGS.mount: {
        const clear = { workspaceId: workspaceId.read(reader) };
        mustHaveMeta(reader, 0);
        return { kind: "mount", ...clear };
      }
      case KIND_TAGS.directory:
        mustHaveMeta(reader, 0);
        return { kind: "directory" };
      default:
        throw malformed(`an unknown kind ${tag}`);
    }
  },
};

function mustHaveMeta(reader: ByteReader, sizeBytes: number): void {
  const found = reader.varint();
  if (found !== sizeBytes) throw malformed(`${found} bytes of meta where ${sizeBytes} belong`);
}

export const headCodec: Codec<Head> = {
  write: (writer, head) => {
    nodeId.write(writer, head.nodeId);
    placeCodec.write(writer, head.place);
    versionVectorCodec.write(writer, head.placeVector);
    contentCodec.write(writer, head.content);
    versionVectorCodec.write(writer, head.contentVector);
    boolean.write(writer, head.deleted);
    writer.varint(head.revision);
    writer.varint(head.seq);
  },
  read: (reader) => ({
    nodeId: nodeId.read(reader),
    place: placeCodec.read(reader),
    placeVector: versionVectorCodec.read(reader),
    content: contentCodec.read(reader),
    contentVector: versionVectorCodec.read(reader),
    deleted: boolean.read(reader),
    revision: reader.varint(),
    seq: reader.varint(),
  }),
};
