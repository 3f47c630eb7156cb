import type { Change, ChangeVerdict, ContentChange, Verdict } from "../commit.js";
import { encodeManifest, MAX_INLINE_CHUNKS, type Manifest, manifestIdOf, manifestSize } from "../manifest.js";
import type { Sha256 } from "../env.js";
import { type Head, sameContent, samePlace } from "../node.js";
import { EMPTY_VECTOR, orderAtHub } from "../version-vector.js";
import { type CommitView, inlineManifest } from "./commit-view.js";

export interface JudgeLimits {
  readonly mayWrite: boolean;
  readonly maxFileBytes: number;
  readonly sha256: Sha256;
}

/** `candidate`: nothing speaks against the part alone. */
export type PartVerdict = Verdict | "candidate";

export interface PartVerdicts {
  readonly place: PartVerdict;
  readonly content: PartVerdict;
}

export function onPresentParts(change: Change, verdict: PartVerdict): PartVerdicts {
  if (change.kind === "delete") return { place: verdict, content: verdict };
  return { place: change.place ? verdict : "absent", content: change.content ? verdict : "absent" };
}

/** True for a change whose two parts stand or fall together: a deletion, a new node, one brought back. */
export function isWhole(change: Change, head: Head | undefined): boolean {
  return change.kind === "delete" || head === undefined || head.deleted;
}

/** Judges one change by itself, part by part: permission, base, value, and the chunks of its file. Protocol §5, rules 1 and 2. */
export function judgeParts(change: Change, view: CommitView, limits: JudgeLimits): PartVerdicts {
  if (!limits.mayWrite) return onPresentParts(change, "forbidden");
  if (change.nodeId === view.rootNodeId) return onPresentParts(change, "invalid");
  const head = view.heads.get(change.nodeId);
  if (change.kind === "delete") return onPresentParts(change, judgeDelete(change, head));

  const { place, content } = change;
  if (!isWhole(change, head) && head !== undefined) {
    const placeVerdict = place && judgeBase(place.base, head.placeVector, samePlace(place.place, head.place));
    const contentVerdict = content && judgeBase(content.base, head.contentVector, sameContent(content.content, head.content));
    return {
      place: placeVerdict ?? "absent",
      content: content && contentVerdict === "candidate" ? judgeContent(change, content, view, limits) : (contentVerdict ?? "absent"),
    };
  }
  return onPresentParts(change, judgeWhole(change, head, view, limits));
}

function judgeDelete(change: Extract<Change, { kind: "delete" }>, head: Head | undefined): PartVerdict {
  const orders = [
    orderAtHub(change.placeBase, head?.placeVector ?? EMPTY_VECTOR),
    orderAtHub(change.contentBase, head?.contentVector ?? EMPTY_VECTOR),
  ];
  if (orders.includes("reset")) return "reset";
  if (head === undefined) return "invalid";
  if (head.deleted) return "unchanged";
  return orders.includes("outdated") ? "conflict" : "candidate";
}

/** A node that is new, or deleted at the hub. */
function judgeWhole(change: Extract<Change, { kind: "put" }>, head: Head | undefined, view: CommitView, limits: JudgeLimits): PartVerdict {
  const { place, content } = change;
  const orders = [
    place && orderAtHub(place.base, head?.placeVector ?? EMPTY_VECTOR),
    content && orderAtHub(content.base, head?.contentVector ?? EMPTY_VECTOR),
  ];
  if (orders.includes("reset")) return "reset";
  if (place === undefined || content === undefined) return head === undefined ? "invalid" : "conflict";
  return orders.includes("outdated") ? "conflict" : judgeContent(change, content, view, limits);
}

function judgeBase(base: ContentChange["base"], current: Head["contentVector"], sameValue: boolean): PartVerdict {
  const order = orderAtHub(base, current);
  if (order === "current") return "candidate";
  if (order === "reset") return "reset";
  return sameValue ? "unchanged" : "conflict";
}

function judgeContent(change: Change, { content, manifest: inline }: ContentChange, view: CommitView, limits: JudgeLimits): PartVerdict {
  // A mount is put by the hub alone, when a folder becomes a workspace of its own.
  if (content.kind === "mount") return "invalid";
  if (content.kind !== "file") return inline === undefined ? "candidate" : "invalid";
  const manifest = inline === undefined ? view.manifests.get(content.manifestId) : inlineManifest(change);
  if (manifest === undefined) return inline === undefined ? "missing-manifest" : "invalid";
  if (inline !== undefined && !isInlineManifest(inline, manifest, content.manifestId, limits.sha256)) return "invalid";
  if (manifestSize(manifest) !== content.sizeBytes) return "invalid";
  if (content.sizeBytes > limits.maxFileBytes) return "too-large";
  const lengths = manifest.map((entry) => view.possessed.get(entry.chunkId));
  if (lengths.includes(undefined)) return "missing-chunks";
  return manifest.every((entry, index) => entry.lengthBytes === lengths[index]) ? "candidate" : "invalid";
}

function isInlineManifest(bytes: Uint8Array, manifest: Manifest, manifestId: string, sha256: Sha256): boolean {
  return manifest.length <= MAX_INLINE_CHUNKS && bytes.length === encodeManifest(manifest).length && manifestIdOf(bytes, sha256) === manifestId;
}

/** The verdict to answer, once no candidate is left. */
export function settled({ place, content }: PartVerdicts): ChangeVerdict {
  return { place: place === "candidate" ? "accepted" : place, content: content === "candidate" ? "accepted" : content };
}
