import { rejectionOf } from "./assertions.js";
import type { TestRunner } from "./test-runner.js";

interface Closable {
  close(): Promise<void>;
}

/** What a clause is given besides an empty store. */
export interface Harness<Store> {
  /** The place of `store` opened once more; see `ConformanceOptions.reopen`. */
  reopen(store: Store): Promise<Store>;
}

export interface Clause<Store> {
  readonly check: (store: Store, harness: Harness<Store>) => Promise<void>;
  /** Left out where the options have no `reopen`. */
  readonly needsReopen?: true | undefined;
}

export interface ConformanceOptions<Store, Name extends string = string> {
  /** Opens an empty store. Called once for each clause. */
  readonly open: () => Promise<Store>;
  /**
   * Opens the place of an earlier store once more: after its close, to find its rows again; a ReplicaStore also before, to be
   * refused. Without it the clauses of durability are left out.
   */
  readonly reopen?: ((store: Store) => Promise<Store>) | undefined;
  /** Clauses known to fail, each with the reason. A listed clause that passes is an error. */
  readonly knownGaps?: Readonly<Partial<Record<Name, string>>> | undefined;
}

/** Registers each clause as a test of its own, on a store of its own. `close` of a closed store has to succeed. */
export function describeClauses<Store extends Closable, Name extends string>(
  runner: TestRunner,
  title: string,
  clauses: Readonly<Record<Name, Clause<Store>>>,
  { open, reopen, knownGaps }: ConformanceOptions<Store, Name>,
): void {
  for (const name of Object.keys(knownGaps ?? {})) {
    if (!Object.hasOwn(clauses, name)) throw new Error(`${title} has no clause "${name}": correct its name in knownGaps, or remove it`);
  }
  runner.describe(title, () => {
    for (const [name, clause] of Object.entries(clauses) as Array<[Name, Clause<Store>]>) {
      if (clause.needsReopen && reopen === undefined) continue;
      const gap = knownGaps?.[name];
      runner.it(gap === undefined ? name : `${name} [known gap: ${gap}]`, async () => {
        const opened: Store[] = [await open()];
        const harness: Harness<Store> = {
          async reopen(store) {
            if (reopen === undefined) throw new Error("a clause that reopens its store says so by needsReopen");
            const again = await reopen(store);
            opened.push(again);
            return again;
          },
        };
        try {
          const checked = clause.check(opened[0] as Store, harness);
          if (gap === undefined) await checked;
          else await rejectionOf(checked, `"${name}" passes now: remove it from knownGaps`);
        } finally {
          for (const store of opened) await store.close();
        }
      });
    }
  });
}
