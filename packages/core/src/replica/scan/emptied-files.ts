import type { LocalPath } from "../../names.js";
import type { ReplicaParts } from "../replica-parts.js";

/** Files that are empty and were not: most editors are about to write them. */
export class EmptiedFiles {
  readonly #parts: Pick<ReplicaParts, "env" | "settleMs">;
  readonly #since = new Map<LocalPath, number>();

  constructor(parts: Pick<ReplicaParts, "env" | "settleMs">) {
    this.#parts = parts;
  }

  /** True when the file has been seen empty for `settleMs`: then it counts. */
  hasWaited(path: LocalPath): boolean {
    const now = this.#parts.env.monotonicMs();
    const since = this.#since.get(path);
    if (since === undefined) this.#since.set(path, now);
    return since !== undefined && now - since >= this.#parts.settleMs;
  }

  forget(path: LocalPath): void {
    this.#since.delete(path);
  }
}
