import { baseName, joinPath, type LocalPath, ROOT_PATH, splitPath } from "../names.js";
import { isLive, type NodeRecord } from "../reconcile/node-record.js";
import { decide } from "../reconcile/policy.js";
import { isConflictNameOf } from "./conflict/conflict-name.js";
import { rulesOnDisk } from "./scope/ignore-files.js";
import { namesOfDisk } from "./disk/name-on-disk.js";
import type { Explanation } from "./replica.js";
import type { ReplicaParts } from "./replica-parts.js";
import type { Level, ScopeReason } from "./scope/scope.js";
import type { Trees } from "./trees/trees.js";

/** Says how one path stands. `skipped`: why it was left out, when it was. */
export async function explainPath(
  { trees, tree, scope }: Pick<ReplicaParts, "trees" | "tree" | "scope">,
  path: LocalPath,
  skippedReason: (record: NodeRecord | undefined) => string | undefined,
): Promise<Explanation> {
  if (path === ROOT_PATH) {
    const state = (await trees.counts()).dirty === 0 ? "in-sync" : "pending";
    return { path, state, explanation: "This is the linked folder itself: `twinfold status` tells how it stands." };
  }
  const record = await trees.find(path);
  const reason = skippedReason(record);
  if (reason !== undefined) return { path, state: "skipped", explanation: `${path} is not synced: ${reason}.` };
  if (record?.local === undefined && record?.away !== "elsewhere") {
    const ruled = await reasonAt({ tree, scope }, path, record);
    if (ruled !== undefined) {
      if (record === undefined || !isLive(record.remote))
        return { path, state: "ignored", explanation: `${path} is left alone by ${scope.describe(ruled)}: it stays on this device alone.` };
      return { path, state: "excluded", explanation: `${path} is on the server and is not synced here, by ${scope.describe(ruled)}.` };
    }
  }
  if (record === undefined) {
    const stat = await tree.stat(path);
    if (stat?.kind === "other") return { path, state: "skipped", explanation: `${path} is not synced: it is a socket, pipe or device.` };
    if (stat !== undefined) return { path, state: "pending", explanation: `${path} is new here: the next sync takes it up.` };
    return {
      path,
      state: "unknown",
      explanation: `Nothing is known at ${path}: neither this folder nor the server had it when they were last looked at.`,
    };
  }
  if (record.away === "elsewhere") {
    const why = scope.isOnDemandLink ? scope.describe("on-demand") : "its room here was freed";
    return { path, state: "elsewhere", explanation: `${path} is on the server and not on this device, since ${why}: \`twinfold get\` brings it.` };
  }
  const alias = trees.whyAliased(record, await namesOfDisk(trees, tree));
  const shownAs = alias === undefined ? "" : ` This disk shows it as ${JSON.stringify(baseName(await trees.shownPath(record.nodeId)))}: ${alias}.`;
  const also = shownAs + hardLinkNote(record) + (await conflictNote(trees, record));
  const decision = decide(record);
  switch (decision.kind) {
    case "in-sync":
    case "agree":
    case "forget": {
      const revision = isLive(record.remote) && record.remote.revision > 0 ? `, at revision ${record.remote.revision}` : "";
      return { path, state: "in-sync", explanation: `${path} is the same here and on the server${revision}.${also}` };
    }
    case "delete-here":
      return { path, state: "pending", explanation: `${path} was deleted on the server and goes to the trash here with the next sync.` };
    case "delete-there":
      return { path, state: "pending", explanation: `${path} was deleted here; the server learns it with the next sync.` };
    case "merge": {
      const parts = [
        decision.content === "conflict" && "was changed here and on the server: both versions will be kept",
        decision.content === "push" && "has changes here that the server does not have yet",
        decision.content === "pull" && "has changes on the server that are not here yet",
        decision.place === "push" && record.remote !== undefined && "was moved or renamed here",
        decision.place === "pull" && record.local !== undefined && "was moved or renamed on the server",
      ].filter((part) => part !== false);
      return { path, state: "pending", explanation: `${path} ${parts.join(", and ")}.${also}` };
    }
  }
}

function hardLinkNote({ local }: NodeRecord): string {
  if (local?.stat.kind !== "file" || local.stat.links < 2) return "";
  return ` It is a hard link, one of ${local.stat.links} names of one file on this disk: each name in the folder is synced as a file of its own.`;
}

async function conflictNote(trees: Trees, { local }: NodeRecord): Promise<string> {
  if (local === undefined || local.content.kind === "directory") return "";
  const { parentId, name } = local.place;
  const names = (await trees.localChildren(parentId)).flatMap((sibling) => (sibling.local === undefined ? [] : [sibling.local.place.name]));
  const settle = "`twinfold conflicts` lists the versions, `twinfold resolve` settles it.";
  const original = names.find((other) => isConflictNameOf(name, other));
  if (original !== undefined) return ` It is a conflict copy of ${JSON.stringify(original)}, which was changed on two devices: ${settle}`;
  const copies = names.filter((other) => isConflictNameOf(other, name)).length;
  return copies === 0
    ? ""
    : ` It was changed on two devices, and ${copies === 1 ? "a conflict copy stands" : `${copies} conflict copies stand`} beside it: ${settle}`;
}

/** Which rule keeps a path from being synced, by the ignore files as they are on the disk now. */
export async function reasonAt(
  { tree, scope }: Pick<ReplicaParts, "tree" | "scope">,
  path: LocalPath,
  record: NodeRecord | undefined,
): Promise<ScopeReason | undefined> {
  const names = splitPath(path);
  const kind = (await tree.stat(path))?.kind ?? record?.remote?.content.kind;
  let at = ROOT_PATH;
  let level: Level = scope.root(await rulesOnDisk(tree, at));
  for (const name of names.slice(0, -1)) {
    at = joinPath(at, name);
    level = scope.enter(level, name, await rulesOnDisk(tree, at));
  }
  return scope.reasonFor(level, names.at(-1) as string, kind === "directory");
}
