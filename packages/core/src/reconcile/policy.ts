import { sameContent, samePlace } from "../node.js";
import { sameVersion } from "../version-vector.js";
import { isLive, type NodeRecord } from "./node-record.js";

/** What one side did to one part of a node since both agreed. */
export type PartChange = "unchanged" | "modified" | "deleted";

/**
 * What to do about one part.
 *
 * `push`: this device's value goes to the hub · `pull`: the hub's value comes here · `conflict`: both changed it, to different values.
 */
export type PartAction = "keep" | "push" | "pull" | "conflict" | "delete-there" | "delete-here" | "forget";

/**
 * The whole policy for one node, by what each side did to a part since the last common version. Rows are this device, columns the hub.
 *
 * An edit or a rename beats a delete. Both-modified with equal values is `keep`, found before the table is asked.
 */
export const POLICY: Readonly<Record<PartChange, Readonly<Record<PartChange, PartAction>>>> = {
  unchanged: { unchanged: "keep", modified: "pull", deleted: "delete-here" },
  modified: { unchanged: "push", modified: "conflict", deleted: "push" },
  deleted: { unchanged: "delete-there", modified: "pull", deleted: "forget" },
};

/** Both parts of a node together. `pull` and `push` say which parts; a node that one side lacks is pulled or pushed whole. */
export type Decision =
  | { readonly kind: "in-sync" }
  /** Disk and hub hold the same; only the synced tree has to learn it. */
  | { readonly kind: "agree" }
  | { readonly kind: "forget" }
  | { readonly kind: "delete-here" }
  | { readonly kind: "delete-there" }
  | {
      readonly kind: "merge";
      readonly place: "keep" | "push" | "pull";
      readonly content: "keep" | "push" | "pull" | "conflict";
      /** Both moved it, to different places: the hub's stands. */
      readonly placeConflict: boolean;
    };

export const PULL_ALL: Decision = { kind: "merge", place: "pull", content: "pull", placeConflict: false };
export const PUSH_ALL: Decision = { kind: "merge", place: "push", content: "push", placeConflict: false };

/** What to do about one node, looked at alone. Collisions with its neighbours come after. */
export function decide(record: NodeRecord): Decision {
  const { local, synced, remote } = record;
  if (record.away !== undefined) return { kind: "in-sync" };
  const live = isLive(remote);
  if (synced === undefined) {
    if (local === undefined) return live ? PULL_ALL : remote === undefined ? { kind: "forget" } : { kind: "in-sync" };
    if (remote === undefined) return PUSH_ALL;
    if (!live) return sameContent(local.content, remote.content) ? { kind: "delete-here" } : PUSH_ALL;
    const samePlaces = samePlace(local.place, remote.place);
    const sameContents = sameContent(local.content, remote.content);
    if (samePlaces && sameContents) return { kind: "agree" };
    return { kind: "merge", place: samePlaces ? "keep" : "pull", content: sameContents ? "keep" : "conflict", placeConflict: false };
  }

  const place = partAction(
    local === undefined ? "deleted" : samePlace(local.place, synced.place) ? "unchanged" : "modified",
    !live ? "deleted" : sameVersion(remote.placeVector, synced.placeVector) ? "unchanged" : "modified",
    local !== undefined && live && samePlace(local.place, remote.place),
  );
  const content = partAction(
    local === undefined ? "deleted" : sameContent(local.content, synced.content) ? "unchanged" : "modified",
    !live ? "deleted" : sameVersion(remote.contentVector, synced.contentVector) ? "unchanged" : "modified",
    local !== undefined && live && sameContent(local.content, remote.content),
  );

  if (local === undefined) {
    if (!live) return { kind: "forget" };
    return place === "pull" || content === "pull" ? PULL_ALL : { kind: "delete-there" };
  }
  if (!live) return place === "push" || content === "push" ? PUSH_ALL : { kind: "delete-here" };
  if (place === "keep" && content === "keep") {
    return sameVersion(remote.placeVector, synced.placeVector) && sameVersion(remote.contentVector, synced.contentVector)
      ? { kind: "in-sync" }
      : { kind: "agree" };
  }
  return {
    kind: "merge",
    place: place === "conflict" ? "pull" : (place as "keep" | "push" | "pull"),
    content: content as "keep" | "push" | "pull" | "conflict",
    placeConflict: place === "conflict",
  };
}

function partAction(local: PartChange, remote: PartChange, equal: boolean): PartAction {
  return equal ? "keep" : POLICY[local][remote];
}
