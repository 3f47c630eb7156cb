import { TwinfoldError } from "@twinfold/core";
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from "idb";
import { asStoreError } from "./store-error.js";

/** One kind of database. */
export interface DatabaseFormat<Schema extends DBSchema> {
  /** What brings it from format n to n + 1, in one transaction with the number. Their count is the format; entries are only ever added. */
  readonly migrations: ReadonlyArray<(database: IDBPDatabase<Schema>) => void>;
}

type Mode = "readonly" | "readwrite";
type Transaction<Schema extends DBSchema, In extends Mode> = IDBPTransaction<Schema, Array<StoreNames<Schema>>, In>;
export type Reading<Schema extends DBSchema> = Transaction<Schema, "readonly">;
export type Writing<Schema extends DBSchema> = Transaction<Schema, "readwrite">;

/** Starts a request whose result nobody needs. One that fails undoes its transaction, and that is where it is reported. */
export function send(request: Promise<unknown>): void {
  request.catch(() => {});
}

/**
 * A database of IndexedDB as a store uses it: each read and each write is one transaction over all of it.
 *
 * A body awaits nothing but requests of its transaction: at any other await IndexedDB ends it.
 */
export class StoreDatabase<Schema extends DBSchema> {
  readonly #name: string;
  readonly #database: IDBPDatabase<Schema>;
  readonly #underWay = new Set<Promise<unknown>>();
  /** What every call is told once the database is not ours to use any more. */
  #over: (() => TwinfoldError) | undefined;
  #announceEnd = (): void => {};
  /** Resolves when the database is closed, for whatever reason, and nothing is under way. */
  readonly ended = new Promise<void>((resolve) => {
    this.#announceEnd = resolve;
  });

  private constructor(name: string, database: IDBPDatabase<Schema>) {
    this.#name = name;
    this.#database = database;
    database.addEventListener("versionchange", ({ newVersion }) => void this.end(() => takenAway(name, newVersion)));
    database.addEventListener("close", () => void this.end(() => takenAway(name, null)));
  }

  /**
   * Opens the database, makes it when there is none, and brings it to the newest format.
   *
   * @throws {TwinfoldError} `ERR_IN_USE` when another tab keeps an older format open; `ERR_NEWER_FORMAT` and others as `asStoreError` says.
   */
  static async open<Schema extends DBSchema>(name: string, { migrations }: DatabaseFormat<Schema>): Promise<StoreDatabase<Schema>> {
    try {
      return await new Promise((resolve, reject) => {
        let refused = false;
        const opening = openDB<Schema>(name, migrations.length, {
          upgrade(database, oldVersion) {
            for (const migrate of migrations.slice(oldVersion)) migrate(database);
          },
          blocked() {
            refused = true;
            reject(new TwinfoldError("ERR_IN_USE", `opening ${name}: another tab runs an older version of this app; close or reload that tab`));
          },
        });
        opening.then((database) => {
          // A request to open cannot be taken back: what it gives after the other tab went is closed at once.
          if (refused) database.close();
          else resolve(new StoreDatabase(name, database));
        }, reject);
      });
    } catch (error) {
      throw asStoreError(error, `opening ${name}`);
    }
  }

  read<T>(doing: string, body: (transaction: Reading<Schema>) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#run("readonly", doing, body, signal);
  }

  /** Resolves when all is on the disk. When the body throws, or the signal aborts before the commit, nothing is written. */
  write<T>(doing: string, body: (transaction: Writing<Schema>) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#run("readwrite", doing, body, signal);
  }

  /** What was asked for before is still finished. A second close does nothing. */
  close(): Promise<void> {
    return this.end(() => new TwinfoldError("ERR_CLOSED", `${this.#name} was closed`));
  }

  /** Closes it as `close` does; from now on calls are answered with `reason`, unless it was closed already. */
  async end(reason: () => TwinfoldError): Promise<void> {
    this.#over ??= reason;
    this.#database.close();
    await Promise.allSettled(this.#underWay);
    this.#announceEnd();
  }

  async #run<In extends Mode, T>(
    mode: In,
    doing: string,
    body: (transaction: Transaction<Schema, In>) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    if (this.#over !== undefined) throw this.#over();
    signal?.throwIfAborted();
    const running = this.#transact(mode, body, signal);
    this.#underWay.add(running);
    try {
      return await running;
    } catch (error) {
      signal?.throwIfAborted();
      throw asStoreError(error, `${doing} ${this.#name}`);
    } finally {
      this.#underWay.delete(running);
    }
  }

  async #transact<In extends Mode, T>(
    mode: In,
    body: (transaction: Transaction<Schema, In>) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const transaction = this.#database.transaction([...this.#database.objectStoreNames], mode, { durability: "strict" });
    const outcome = new Promise<"committed" | "undone">((resolve) => {
      transaction.addEventListener("complete", () => resolve("committed"));
      transaction.addEventListener("abort", () => resolve("undone"));
    });
    transaction.done.catch(() => {}); // idb's own promise of the same, without the reason that a failed request gives
    const undo = (): void => undoUnlessOver(transaction);
    signal?.addEventListener("abort", undo);
    try {
      const result = await body(transaction);
      if (mode === "readwrite" && (await outcome) === "undone") throw new Error("the browser undid the transaction");
      return result;
    } catch (error) {
      undo();
      await outcome;
      throw transaction.error ?? error;
    } finally {
      signal?.removeEventListener("abort", undo);
    }
  }
}

function undoUnlessOver(transaction: { abort(): void }): void {
  try {
    transaction.abort();
  } catch {
    // It has committed, or is undone already.
  }
}

/** Why a database that was open is not any more: another tab asks for a newer version of it, or for none. */
function takenAway(name: string, newVersion: number | null): TwinfoldError {
  return newVersion === null
    ? new TwinfoldError(
        "ERR_STORE_FAILED",
        `${name} was deleted while it was open, by another tab or with the site's data; open it again to start anew`,
      )
    : new TwinfoldError("ERR_NEWER_FORMAT", `${name} was taken over by a newer version of this app in another tab; reload this page`);
}
