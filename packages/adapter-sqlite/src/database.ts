import { closeSync, openSync } from "node:fs";
import { isTwinfoldError, TwinfoldError } from "@twinfold/core";
import Database from "better-sqlite3";
import { mustBeOnLocalDisk } from "./network-disk.js";

export type SqliteDatabase = Database.Database;

/** `TWNF`, in the header of each of our databases. */
const APPLICATION_ID = 0x54_57_4e_46;

/** How long a call waits for another process that writes to the same database. */
const BUSY_TIMEOUT_MS = 5_000;

/** Pages in memory, in KiB: a first sync's working set of indexes stays there. */
const CACHE_KIB = 32 * 1024;

/** After a burst the write-ahead log is cut back to this. */
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;

/** Checkpoint at 16 MiB of log instead of 4: random pages of one index are then written once, not four times. */
const CHECKPOINT_PAGES = 4_096;

/** One kind of database. */
export interface DatabaseFormat {
  /** As it is called in messages. */
  readonly title: string;
  /** What brings it from format n to n + 1. Its length is the format; entries are only ever added. */
  readonly migrations: readonly string[];
  /** Whether one process may have it open at a time. */
  readonly exclusive: boolean;
  /** What a person can do when the file is damaged. */
  readonly repair: string;
}

/**
 * Opens the database, makes it when there is none, and brings it to the newest format.
 *
 * All migrations are one transaction, and so is the format number: a process that is killed leaves the old format or the new one.
 *
 * @throws {TwinfoldError} `ERR_NEWER_FORMAT`, `ERR_IN_USE` of an exclusive one, `ERR_STORE_FAILED` on a network disk, or as `asStoreError`.
 */
export function openDatabase(path: string, format: DatabaseFormat): SqliteDatabase {
  let database: SqliteDatabase | undefined;
  try {
    mustBeOnLocalDisk(path, format.title);
    makeReadableByOwnerOnly(path);
    database = new Database(path, { timeout: format.exclusive ? 0 : BUSY_TIMEOUT_MS });
    // In this mode SQLite keeps a file lock until it closes, which the system releases when the process dies, however it dies.
    if (format.exclusive) database.pragma("locking_mode = EXCLUSIVE");
    mustBeOurs(database, path, format);
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.pragma("fullfsync = 1"); // macOS: fsync alone leaves the data in the drive's cache
    database.pragma("temp_store = MEMORY");
    database.pragma(`cache_size = -${CACHE_KIB}`);
    database.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`);
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    migrate(database, path, format);
    return database;
  } catch (error) {
    database?.close();
    if (format.exclusive && sqliteCode(error).startsWith("SQLITE_BUSY")) {
      throw new TwinfoldError("ERR_IN_USE", `opening ${format.title} ${path}: another process has it open; stop that one first`, { cause: error });
    }
    throw asStoreError(error, "opening", path, format);
  }
}

/** Names and password hashes are nobody else's business. SQLite gives its other files the mode of this one. */
function makeReadableByOwnerOnly(path: string): void {
  try {
    // Only ever a new file: closing a second descriptor of one that is open would drop this process's locks on it (POSIX).
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Looks, before anything is changed, whether the file is one of ours and not of a newer program. */
function mustBeOurs(database: SqliteDatabase, path: string, { title, migrations }: DatabaseFormat): void {
  const applicationId = database.pragma("application_id", { simple: true });
  const empty = database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (applicationId !== APPLICATION_ID && !(empty && applicationId === 0)) {
    throw new TwinfoldError("ERR_STORE_FAILED", `opening ${title} ${path}: the file is another program's database; give another path`);
  }
  const found = formatOf(database);
  if (found > migrations.length) {
    throw new TwinfoldError(
      "ERR_NEWER_FORMAT",
      `opening ${title} ${path}: it has format ${found} and this program knows formats up to ${migrations.length}; install a newer version`,
    );
  }
}

function formatOf(database: SqliteDatabase): number {
  return database.pragma("user_version", { simple: true }) as number;
}

function migrate(database: SqliteDatabase, path: string, format: DatabaseFormat): void {
  database
    .transaction(() => {
      mustBeOurs(database, path, format); // again: another process may have been faster
      const found = formatOf(database);
      if (found === format.migrations.length) return;
      for (const migration of format.migrations.slice(found)) database.exec(migration);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${format.migrations.length}`);
    })
    .immediate();
}

/** SQLite's failures as errors of the contract; one that is a TwinfoldError already is left as it is. */
export function asStoreError(error: unknown, doing: string, path: string, { title, repair }: DatabaseFormat): unknown {
  if (isTwinfoldError(error)) return error;
  const what = `${doing} ${title} ${path}`;
  const code = sqliteCode(error);
  if (code === "SQLITE_FULL") return new TwinfoldError("ERR_NO_SPACE", `${what}: the disk is full; free some space and try again`, { cause: error });
  if (code.startsWith("SQLITE_BUSY")) {
    return new TwinfoldError("ERR_STORE_UNAVAILABLE", `${what}: another process is writing to it; try again`, { cause: error });
  }
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") {
    return new TwinfoldError("ERR_STORE_FAILED", `${what}: the file is damaged; ${repair}`, { cause: error });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new TwinfoldError("ERR_STORE_FAILED", `${what}: ${reason}`, { cause: error });
}

function sqliteCode(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : "";
}
