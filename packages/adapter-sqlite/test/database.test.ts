import { statSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { asStoreError, type DatabaseFormat, openDatabase } from "../src/database.js";
import { createSqliteAccountStore, createSqliteHubStore, createSqliteReplicaStore } from "../src/index.js";
import { StoreDatabase } from "../src/store-database.js";
import { temporaryPath } from "./temporary-path.js";

const TABLE_A = "CREATE TABLE a (n INTEGER) STRICT; INSERT INTO a VALUES (1);";
const TABLE_B = "CREATE TABLE b (n INTEGER) STRICT; INSERT INTO b SELECT n FROM a;";

function format(migrations: readonly string[], exclusive = false): DatabaseFormat {
  return { title: "the test's data", migrations, exclusive, repair: "throw it away" };
}

function userVersion(path: string): unknown {
  const database = new Database(path);
  const version = database.pragma("user_version", { simple: true });
  database.close();
  return version;
}

/** The error that `body` throws. */
function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("openDatabase", () => {
  it("brings an older format to the newest, and leaves a new one as it is", () => {
    const path = temporaryPath();
    openDatabase(path, format([TABLE_A])).close();
    for (let time = 0; time < 2; time++) {
      const database = openDatabase(path, format([TABLE_A, TABLE_B]));
      expect(database.prepare("SELECT n FROM b").all()).toEqual([{ n: 1 }]);
      database.close();
    }
    expect(userVersion(path)).toBe(2);
  });

  it("leaves the old format when a migration fails in its middle", () => {
    const path = temporaryPath();
    openDatabase(path, format([TABLE_A])).close();
    const failing = format([TABLE_A, TABLE_B, "CREATE TABLE c (n INTEGER) STRICT; INSERT INTO nowhere VALUES (1);"]);
    expect(() => openDatabase(path, failing)).toThrow(expect.objectContaining({ code: "ERR_STORE_FAILED" }));
    expect(userVersion(path)).toBe(1);
    openDatabase(path, format([TABLE_A, TABLE_B])).close();
  });

  it("refuses a newer format and changes nothing in it", () => {
    const path = temporaryPath();
    openDatabase(path, format([TABLE_A, TABLE_B])).close();
    expect(() => openDatabase(path, format([TABLE_A]))).toThrow(expect.objectContaining({ code: "ERR_NEWER_FORMAT" }));
    expect(userVersion(path)).toBe(2);
  });

  it("refuses the database of another program", () => {
    const path = temporaryPath();
    const foreign = new Database(path);
    foreign.exec(TABLE_A);
    foreign.close();
    expect(() => openDatabase(path, format([TABLE_A]))).toThrow(expect.objectContaining({ code: "ERR_STORE_FAILED" }));
    expect(userVersion(path)).toBe(0);
  });

  it("names a damaged file and what to do about it", () => {
    const path = temporaryPath();
    writeFileSync(path, "not a database, but long enough to have a header of one hundred bytes".repeat(4));
    const error = thrownBy(() => openDatabase(path, format([TABLE_A])));
    expect(error).toMatchObject({ code: "ERR_STORE_FAILED", cause: { code: "SQLITE_NOTADB" } });
    expect(String(error)).toContain(path);
    expect(String(error)).toContain("throw it away");
  });

  it("keeps the lock of a store that is open when it is opened once more", () => {
    const path = temporaryPath();
    const first = openDatabase(path, format([TABLE_A], true));
    for (let time = 0; time < 2; time++) {
      expect(() => openDatabase(path, format([TABLE_A], true))).toThrow(expect.objectContaining({ code: "ERR_IN_USE" }));
    }
    first.exec("INSERT INTO a VALUES (2)");
    first.close();
    openDatabase(path, format([TABLE_A], true)).close();
  });

  it.skipIf(process.platform === "win32")("makes files that only their owner can read", () => {
    const path = temporaryPath();
    openDatabase(path, format([TABLE_A])).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe("asStoreError", () => {
  it("tells a full disk from other failures", () => {
    const path = temporaryPath();
    const database = openDatabase(path, format([TABLE_A]));
    database.pragma("max_page_count = 4"); // the same error as that of a full disk
    const full = thrownBy(() => database.exec("CREATE TABLE large AS SELECT zeroblob(100000)"));
    expect(full).toMatchObject({ code: "SQLITE_FULL" });
    expect(asStoreError(full, "writing to", path, format([]))).toMatchObject({ code: "ERR_NO_SPACE", cause: full });
    const broken = thrownBy(() => database.exec("INSERT INTO nowhere VALUES (1)"));
    expect(asStoreError(broken, "writing to", path, format([]))).toMatchObject({ code: "ERR_STORE_FAILED", cause: broken });
    database.close();
  });
});

describe.each([
  { store: "hub", format: 2, create: createSqliteHubStore },
  { store: "account", format: 1, create: createSqliteAccountStore },
  { store: "replica", format: 3, create: createSqliteReplicaStore },
])("the $store store", ({ create, format: newest }) => {
  it("writes a log, waits for the disk, and is marked as ours", async () => {
    const path = temporaryPath();
    await (await create({ path })).close();
    const database = new Database(path);
    expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(database.pragma("application_id", { simple: true })).toBe(0x54574e46);
    expect(database.pragma("user_version", { simple: true })).toBe(newest);
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    database.close();
  });

  it("refuses a newer format", async () => {
    const path = temporaryPath();
    await (await create({ path })).close();
    const database = new Database(path);
    database.pragma("user_version = 1000");
    database.close();
    await expect(create({ path })).rejects.toMatchObject({ code: "ERR_NEWER_FORMAT" });
  });

  it("says that its folder is missing", async () => {
    await expect(create({ path: `${temporaryPath()}/missing/x.db` })).rejects.toMatchObject({ code: "ERR_STORE_FAILED" });
  });
});

describe("StoreDatabase", () => {
  it("still writes what was asked for before close", async () => {
    const path = temporaryPath();
    const database = new StoreDatabase(path, format([TABLE_A]));
    const written = database.write(() => database.sql.exec("INSERT INTO a VALUES (2)"));
    database.close();
    await written;
    const again = openDatabase(path, format([TABLE_A]));
    expect(again.prepare("SELECT n FROM a").pluck().all()).toEqual([1, 2]);
    again.close();
  });

  it("puts the writes of one turn into one transaction", async () => {
    const database = new StoreDatabase(temporaryPath(), format([TABLE_A]));
    const seen: unknown[] = [];
    await Promise.all([
      database.write(() => database.sql.exec("INSERT INTO a VALUES (2)")),
      database.write(() => seen.push(database.sql.inTransaction, database.sql.prepare("SELECT n FROM a").pluck().all())),
    ]);
    expect(seen).toEqual([true, [1, 2]]);
    database.close();
  });
});
