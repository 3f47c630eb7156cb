import type { LinkOutcome, LinkReport } from "../daemon/requests.js";
import { formatBytes, formatCount, formatDuration } from "./format.js";
import { printable } from "./table.js";

/** A report as it is told with `--json`, in the order in which people read it. */
export function syncDocument(report: LinkReport): LinkReport {
  return {
    inSync: report.inSync,
    filesUploaded: report.filesUploaded,
    filesDownloaded: report.filesDownloaded,
    filesDeleted: report.filesDeleted,
    moved: report.moved,
    conflicts: report.conflicts,
    skipped: report.skipped,
    aliased: report.aliased,
    awaitingConfirmation: report.awaitingConfirmation,
    bytesSent: report.bytesSent,
    bytesReceived: report.bytesReceived,
    durationMs: report.durationMs,
    requests: report.requests,
    chunksUploaded: report.chunksUploaded,
    chunksDownloaded: report.chunksDownloaded,
    chunksReused: report.chunksReused,
    chunksPrefetched: report.chunksPrefetched,
    deltaFrames: report.deltaFrames,
    bytesSaved: report.bytesSaved,
    commits: report.commits,
    commitsUnderWay: report.commitsUnderWay,
    directoriesUnchanged: report.directoriesUnchanged,
    filesUnverified: report.filesUnverified,
    throttledMs: report.throttledMs,
  };
}

/** All folders together. In sync only when each is; paths are given with their folder. They were looked at side by side: it took as long as the slowest. */
export function totalsOf(links: ReadonlyArray<LinkOutcome<LinkReport>>): LinkReport {
  const reports = links.flatMap((link) => ("error" in link ? [] : [link]));
  const sum = (count: (report: LinkReport) => number): number => reports.reduce((total, report) => total + count(report), 0);
  const removals = sum((report) => report.awaitingConfirmation?.removals ?? 0);
  return {
    inSync: reports.length === links.length && reports.every((report) => report.inSync),
    filesUploaded: sum((report) => report.filesUploaded),
    filesDownloaded: sum((report) => report.filesDownloaded),
    filesDeleted: sum((report) => report.filesDeleted),
    moved: sum((report) => report.moved),
    conflicts: sum((report) => report.conflicts),
    skipped: reports.flatMap((link) => link.skipped.map(({ path, reason }) => ({ path: `${link.path}/${path}`, reason }))),
    aliased: reports.flatMap((link) => link.aliased.map(({ path, reason }) => ({ path: `${link.path}/${path}`, reason }))),
    awaitingConfirmation: removals > 0 ? { removals } : null,
    bytesSent: sum((report) => report.bytesSent),
    bytesReceived: sum((report) => report.bytesReceived),
    durationMs: Math.max(0, ...reports.map((report) => report.durationMs)),
    requests: sum((report) => report.requests),
    chunksUploaded: sum((report) => report.chunksUploaded),
    chunksDownloaded: sum((report) => report.chunksDownloaded),
    chunksReused: sum((report) => report.chunksReused),
    chunksPrefetched: sum((report) => report.chunksPrefetched),
    deltaFrames: sum((report) => report.deltaFrames),
    bytesSaved: sum((report) => report.bytesSaved),
    commits: sum((report) => report.commits),
    commitsUnderWay: Math.max(0, ...reports.map((report) => report.commitsUnderWay)),
    directoriesUnchanged: sum((report) => report.directoriesUnchanged),
    filesUnverified: sum((report) => report.filesUnverified),
    throttledMs: Math.max(0, ...reports.map((report) => report.throttledMs)),
  };
}

export function describeOutcome(link: LinkOutcome<LinkReport>): string {
  if ("error" in link) return `${printable(link.path)}: ${link.error.message} (${link.error.code})`;
  const done = [
    link.filesUploaded > 0 ? `${formatCount(link.filesUploaded, "file")} uploaded` : "",
    link.filesDownloaded > 0 ? `${formatCount(link.filesDownloaded, "file")} downloaded` : "",
    link.filesDeleted > 0 ? `${formatCount(link.filesDeleted, "file")} deleted` : "",
    link.moved > 0 ? `${link.moved} moved` : "",
    link.conflicts > 0 ? formatCount(link.conflicts, "conflict") : "",
  ].filter((part) => part !== "");
  const what = done.length > 0 ? done.join(", ") : "nothing to do";
  const cost = `${formatBytes(link.bytesSent)} sent, ${formatBytes(link.bytesReceived)} received, ${formatDuration(link.durationMs)}`;
  const lines = [`${printable(link.path)}: ${link.inSync ? "in sync" : "not in sync"}: ${what} (${cost})`];
  for (const { path, reason } of link.skipped) lines.push(`  skipped ${printable(path)}: ${reason}`);
  for (const { path, reason } of link.aliased) lines.push(`  shown under another name: ${printable(path)}: ${reason}`);
  if (link.awaitingConfirmation !== null) lines.push(`  ${describeConfirmation(link.awaitingConfirmation.removals, link.path)}`);
  return lines.join("\n");
}

/** Ends a sentence on what was done, when the command exits with 1 nevertheless. */
export function butNotInSync({ inSync }: LinkReport): string {
  return inSync ? "" : ", but not all in the folder is in sync: `twinfold status` tells why";
}

export function describeConfirmation(removals: number, path: string): string {
  const dir = JSON.stringify(path);
  return `${formatCount(removals, "removal")} wait for a yes: look with \`twinfold sync ${dir} --dry-run\`, agree with \`twinfold sync ${dir} --once --confirm\`.`;
}
