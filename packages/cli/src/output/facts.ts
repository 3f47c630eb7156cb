import { unreachable } from "@twinfold/core";
import { describeConfirmation } from "../commands/sync-report.js";
import type { LinkEvent } from "../daemon/requests.js";
import { formatBytes, formatDuration } from "./format.js";
import { printable } from "./table.js";

/** A fact as a line for people; `undefined` for what only a progress bar shows. */
export function describeFact({ event, link, fact }: LinkEvent): string | undefined {
  switch (event) {
    case "link:followed":
      return `following ${printable(link)} (workspace ${printable(fact.workspace)})`;
    case "link:stopped":
      return `stopped following ${printable(link)}: ${fact.message} (${fact.code})`;
    case "file:uploaded":
      return `uploaded ${printable(fact.path)} (${formatBytes(fact.sizeBytes)})`;
    case "file:downloaded":
      return `downloaded ${printable(fact.path)} (${formatBytes(fact.sizeBytes)})`;
    case "node:moved":
      return `moved ${printable(fact.from)} to ${printable(fact.to)}`;
    case "node:deleted":
      return `deleted ${printable(fact.path)}${fact.by === "elsewhere" ? ", as another device did" : " for all devices"}`;
    case "node:skipped":
      return `skipped ${printable(fact.path)}: ${fact.reason}`;
    case "conflict:detected":
      return `conflict at ${printable(fact.path)}${fact.copy === undefined ? "" : `: this device's version is kept as ${printable(fact.copy)}`}`;
    case "connection:lost":
      return `the server is out of reach: ${fact.reason}; trying again in ${formatDuration(fact.retryInMs)}`;
    case "connection:restored":
      return "the server is back";
    case "sync:finished":
      return fact.report.awaitingConfirmation === null ? undefined : describeConfirmation(fact.report.awaitingConfirmation.removals, link);
    case "scan:progressed":
    case "transfer:progressed":
      return undefined;
    default:
      return unreachable(event);
  }
}
