/** What every operation that waits for something outside takes last. */
export interface OperationOptions {
  /** Ends the operation early: it rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
}
