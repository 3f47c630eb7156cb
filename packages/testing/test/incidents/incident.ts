/** A test, by its file and the title that is written there, with `…` for what differs from case to case. */
export type Proof = readonly [file: string, title: string];

/** Something that went wrong in a product of this kind, and what becomes of it here. */
export interface Incident {
  /** Tests of their own carry it in their names: `inc-06 …`. */
  readonly number: number;
  readonly what: string;
  /** Issues of public trackers as `repository#number`, vulnerabilities, posts. */
  readonly reported: string;
  readonly here: string;
  readonly proofs: readonly Proof[];
  /** What of it does not hold or does not apply yet, and why. */
  readonly open?: string | undefined;
}
