import { TwinfoldError } from "@twinfold/core";
import { asStoreError, type DatabaseFormat, openDatabase, type SqliteDatabase } from "./database.js";

interface Job {
  /** Does the work inside the transaction; afterwards `settle` tells the caller, once all is durable or undone. */
  run(): void;
  settle(failure?: { readonly error: unknown }): void;
}

/**
 * A database as a store uses it: reads at once, writes in groups.
 *
 * Writes that are asked for during one turn of the event loop share a transaction and its fsync; each has a savepoint of its own,
 * so that one that fails takes nothing of the others with it.
 */
export class StoreDatabase {
  readonly sql: SqliteDatabase;
  readonly #path: string;
  readonly #format: DatabaseFormat;
  readonly #together: (body: () => unknown) => unknown;
  #waiting: Job[] = [];

  constructor(path: string, format: DatabaseFormat) {
    this.#path = path;
    this.#format = format;
    this.sql = openDatabase(path, format);
    this.#together = this.sql.transaction((body: () => unknown) => body());
  }

  read<T>(body: () => T): T {
    this.mustBeOpen();
    try {
      return body();
    } catch (error) {
      throw this.#failure(error, "reading");
    }
  }

  /** As `read`, in one transaction: otherwise each statement takes the locks of the file and gives them back, which costs more than it does. */
  readMany<T>(body: () => T): T {
    return this.read(() => this.#together(body) as T);
  }

  /** Resolves with what `body` gave when that is durable. */
  async write<T>(body: () => T): Promise<T> {
    this.mustBeOpen();
    return new Promise<T>((resolve, reject) => {
      let result: { readonly value: T } | undefined;
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({
        run: () => {
          result = { value: body() };
        },
        settle: (failure) => {
          if (failure === undefined && result !== undefined) resolve(result.value);
          else reject(this.#failure(failure?.error, "writing to"));
        },
      });
    });
  }

  /** What was asked for before is still written. A second close does nothing. */
  close(): void {
    if (!this.sql.open) return;
    this.#flush();
    this.sql.close();
  }

  mustBeOpen(): void {
    if (!this.sql.open) throw new TwinfoldError("ERR_CLOSED", `${this.#format.title} ${this.#path} was closed`);
  }

  #flush(): void {
    const jobs = this.#waiting;
    this.#waiting = [];
    if (jobs.length === 0) return;
    const failures = new Map<Job, { readonly error: unknown }>();
    const alone = this.sql.transaction((job: Job) => job.run()); // inside another transaction this is a savepoint
    const together = this.sql.transaction(() => {
      for (const job of jobs) {
        try {
          alone(job);
        } catch (error) {
          // A full disk can undo the whole transaction: then nobody's rows are there.
          if (!this.sql.inTransaction) throw error;
          failures.set(job, { error });
        }
      }
    });
    try {
      if (jobs.length === 1 && jobs[0] !== undefined) alone.immediate(jobs[0]);
      else together.immediate();
    } catch (error) {
      for (const job of jobs) job.settle({ error });
      return;
    }
    for (const job of jobs) job.settle(failures.get(job));
  }

  #failure(error: unknown, doing: string): unknown {
    return asStoreError(error, doing, this.#path, this.#format);
  }
}
