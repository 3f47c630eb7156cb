import { type ChangesAnswer, type Transport, TwinfoldError, type WorkspaceId } from "@twinfold/core";

export interface Poll {
  readonly workspaces: ReadonlyArray<{ readonly workspaceId: WorkspaceId; readonly afterSeq: number }>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Fails it, or gives these workspaces, none if none are named. */
  end(error?: unknown, moved?: readonly WorkspaceId[]): void;
}

/** What the scripted hub says of a workspace, by its name alone. */
export function answerFor(workspaceId: WorkspaceId): ChangesAnswer {
  return { kind: "unchanged", outcomes: [{ counter: Number(workspaceId), answer: { kind: "fenced" } }] };
}

/** A far side whose long polls the test ends, and that knows no workspace whose name begins with "f". */
export function createScriptedHub() {
  const polls: Poll[] = [];
  const asked: number[] = [];
  const refuse = (workspaces: ReadonlyArray<{ readonly workspaceId: WorkspaceId }>): void => {
    if (workspaces.some(({ workspaceId }) => workspaceId.startsWith("f"))) throw new TwinfoldError("ERR_NOT_FOUND", "no such workspace");
  };
  const transport: Pick<Transport, "changes" | "wait"> = {
    async changes({ workspaces }) {
      asked.push(workspaces.length);
      refuse(workspaces);
      return { workspaces: workspaces.map(({ workspaceId }) => answerFor(workspaceId)) };
    },
    wait({ workspaces, timeoutMs }, { signal } = {}) {
      return new Promise((resolve, reject) => {
        const poll: Poll = {
          workspaces,
          timeoutMs,
          signal,
          end(error, moved = []) {
            polls.splice(polls.indexOf(poll), 1);
            if (error === undefined) resolve(moved);
            else reject(error);
          },
        };
        polls.push(poll);
        signal?.addEventListener("abort", () => poll.end(signal.reason));
        try {
          refuse(workspaces);
        } catch (error) {
          poll.end(error);
        }
      });
    },
  };
  return { transport: transport as Transport, polls, asked };
}
