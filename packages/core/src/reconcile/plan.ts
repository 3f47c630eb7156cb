import type { NodeId } from "../ids.js";
import type { LocalPath } from "../names.js";

/** What one step does, seen from the device that plans. */
export type PlanAction = "upload" | "download" | "move-remote" | "move-local" | "delete-remote" | "delete-local" | "conflict" | "adopt" | "forget";

/** One node's next step, as it is shown by `plan()` and `sync --dry-run`. */
export interface PlanStep {
  readonly action: PlanAction;
  readonly nodeId: NodeId;
  readonly path: LocalPath;
  /** For moves: where to. */
  readonly to?: LocalPath | undefined;
  /** It removes or empties something, with so much else that it waits for a yes. */
  readonly held?: true | undefined;
}

export interface Plan {
  readonly steps: readonly PlanStep[];
}
