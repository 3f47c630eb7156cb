import { describeConfirmation } from "./sync-report.js";
import type { LinkEvent } from "../daemon/requests.js";
import { formatBytes, formatDuration } from "./format.js";
import { printable } from "./table.js";

type EventName = LinkEvent["event"];
type FactOf<Name extends EventName> = Extract<LinkEvent, { readonly event: Name }>["fact"];

const DESCRIPTIONS: { readonly [Name in EventName]: (fact: FactOf<Name>, link: string) => string | undefined } = {
  "link:followed": ({ workspace }, link) => `following ${printable(link)} (workspace ${printable(workspace)})`,
  "link:stopped": ({ message, code }, link) => `stopped following ${printable(link)}: ${message} (${code})`,
  "file:uploaded": ({ path, sizeBytes }) => `uploaded ${printable(path)} (${formatBytes(sizeBytes)})`,
  "file:damaged": ({ path }) => `${printable(path)} lost bytes when the power went, and is fetched again`,
  "file:downloaded": ({ path, sizeBytes }) => `downloaded ${printable(path)} (${formatBytes(sizeBytes)})`,
  "node:moved": ({ from, to }) => `moved ${printable(from)} to ${printable(to)}`,
  "node:deleted": ({ path, by }) => `deleted ${printable(path)}${by === "elsewhere" ? ", as another device did" : " everywhere"}`,
  "node:skipped": ({ path, reason }) => `skipped ${printable(path)}: ${reason}`,
  "conflict:detected": ({ path, copy }) =>
    `conflict at ${printable(path)}${copy === undefined ? "" : `: the other version is kept as ${printable(copy)}`}`,
  "connection:lost": ({ reason, retryInMs }) => `the server is out of reach: ${reason}; next try in ${formatDuration(retryInMs)}`,
  "sync:postponed": ({ reason, retryInMs }) => `waiting: ${reason}; next try in ${formatDuration(retryInMs)}`,
  "connection:restored": () => "the server is back",
  "sync:finished": ({ report }, link) => {
    return report.awaitingConfirmation === null ? undefined : describeConfirmation(report.awaitingConfirmation.removals, link);
  },
  "scan:progressed": () => undefined,
  "transfer:progressed": () => undefined,
};

/** A fact as a line for people; `undefined` for what only a progress bar shows. */
export function describeFact<Name extends EventName>({ event, link, fact }: { event: Name; link: string; fact: FactOf<Name> }): string | undefined {
  return DESCRIPTIONS[event](fact, link);
}
