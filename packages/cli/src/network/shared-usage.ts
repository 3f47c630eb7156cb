import type { ChangesAnswer, Transport, WorkspaceId } from "@twinfold/core";
import { type MeteredNetwork, NO_USAGE, type Usage, usageSince, usageSum } from "./metered-network.js";

/** `changes` for many workspaces at once, with what each of them took. */
export interface SharedUsage {
  readonly changes: Transport["changes"];
  of(workspaceId: WorkspaceId): Usage;
}

/**
 * Shares out what crosses a network that carries nothing but `changes`: a call's bytes in equal parts, one for each workspace that was asked about
 * and one for each row that was told of it. The request itself, and what does not divide, count to the first workspace, so that the shares add up.
 *
 * Of calls under way at once, what has crossed until one of them ends counts to that one.
 */
export function createSharedUsage(network: Pick<MeteredNetwork, "usage">, transport: Pick<Transport, "changes">): SharedUsage {
  const shares = new Map<WorkspaceId, Usage>();
  let told = network.usage();
  const of = (workspaceId: WorkspaceId): Usage => shares.get(workspaceId) ?? NO_USAGE;

  const shareOut = (workspaceIds: readonly WorkspaceId[], answers: readonly ChangesAnswer[]): void => {
    const now = network.usage();
    const { bytesSent, bytesReceived, requests } = usageSince(told, now);
    told = now;
    const parts = workspaceIds.map((_, index) => 1 + rowsIn(answers[index]));
    const all = parts.reduce((sum, part) => sum + part, 0);
    const sharesOf = (bytes: number): readonly number[] => {
      const [, ...others] = parts.map((part) => Math.floor((bytes * part) / all));
      return [others.reduce((rest, share) => rest - share, bytes), ...others];
    };
    const [sent, received] = [sharesOf(bytesSent), sharesOf(bytesReceived)];
    for (const [index, workspaceId] of workspaceIds.entries()) {
      const share = { bytesSent: sent[index] ?? 0, bytesReceived: received[index] ?? 0, requests: index === 0 ? requests : 0, throttledMs: 0 };
      shares.set(workspaceId, usageSum(of(workspaceId), share));
    }
  };

  return {
    of,
    async changes(request, options) {
      const workspaceIds = request.workspaces.map(({ workspaceId }) => workspaceId);
      let answers: readonly ChangesAnswer[] = [];
      try {
        const answer = await transport.changes(request, options);
        answers = answer.workspaces;
        return answer;
      } finally {
        shareOut(workspaceIds, answers);
      }
    },
  };
}

function rowsIn(answer: ChangesAnswer | undefined): number {
  return answer?.kind === "rows" ? answer.rows.length : 0;
}
