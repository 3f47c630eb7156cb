import type { PlanOptions } from "../simulator/plans.js";
import type { Sut } from "../simulator/sut.js";

/**
 * A bug that is planted on purpose: the shipped system with one part that breaks its guarantee.
 *
 * No line of the shipped code knows of it. Whatever a mutant remembers belongs to the `Sut` that `apply` gave, so each world gets its own.
 */
export interface Mutant {
  /** What is broken, as a sentence. */
  readonly broken: string;
  /** The worlds in which it is looked for. */
  readonly where: PlanOptions;
  apply(sut: Sut): Sut;
}
