import { TwinfoldError } from "@twinfold/core";
import { asStoreError } from "./store-error.js";

/** What is needed of the Web Locks API: a browser's `navigator.locks` fits. */
export interface TabLocks {
  /** Calls back with the lock, or with `null` when it is taken. The lock is held until what the callback gave settles; then the request does. */
  request(name: string, options: { readonly ifAvailable: true }, callback: (lock: object | null) => Promise<void>): Promise<unknown>;
}

export interface TabLock {
  /** Resolves when another tab can take it. */
  release(): Promise<void>;
  /** Resolves when it is not held any more: after `release`, or because somebody stole it. */
  readonly gone: Promise<void>;
}

/**
 * Takes the lock `name`, which the browser releases when the tab dies, however it dies.
 *
 * @throws {TwinfoldError} `ERR_IN_USE` when this or another tab has it; `ERR_STORE_FAILED` where there are no Web Locks.
 */
export async function takeTabLock(locks: TabLocks | undefined, name: string): Promise<TabLock> {
  const doing = `opening ${name}`;
  if (locks === undefined) {
    throw new TwinfoldError("ERR_STORE_FAILED", `${doing}: this page has no Web Locks; serve it over HTTPS or from localhost`);
  }
  let letGo = (): void => {};
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let answer = (_isFree: boolean): void => {};
  const answered = new Promise<boolean>((resolve) => {
    answer = resolve;
  });
  const request = locks.request(name, { ifAvailable: true }, async (lock) => {
    answer(lock !== null);
    if (lock !== null) await released;
  });
  const gone = request.then(
    () => {},
    () => {}, // somebody stole it
  );
  // A page that may not ask for locks gets no answer, only the failure.
  const isFree = await Promise.race([answered, request]).catch((error: unknown) => {
    throw asStoreError(error, doing);
  });
  if (isFree !== true) throw new TwinfoldError("ERR_IN_USE", `${doing}: it is open in another tab; close that tab, or go on there`);
  return {
    async release() {
      letGo();
      await gone;
    },
    gone,
  };
}
