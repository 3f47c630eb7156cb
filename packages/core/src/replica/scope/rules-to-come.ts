import { IGNORE_FILE } from "../../names.js";
import { isLive, type NodeRecord } from "../../reconcile/node-record.js";
import { decide } from "../../reconcile/policy.js";

/** True of a file of rules that the hub has and that is to come here: rules come before what they may keep away. */
export function isRulesToCome(record: NodeRecord): boolean {
  if (!isLive(record.remote) || record.remote.place.name !== IGNORE_FILE) return false;
  const decision = decide(record);
  return decision.kind === "merge" && decision.content === "pull";
}
