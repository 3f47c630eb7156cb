import type { DBSchema } from "idb";
import { deleteDB, openDB } from "idb";
import { describe, expect, it } from "vitest";
import { createIdbBlobStore, createIdbReplicaStore } from "../src/index.js";
import { type DatabaseFormat, send, StoreDatabase } from "../src/store-database.js";
import { freshName } from "./fresh-name.js";

interface Schema extends DBSchema {
  numbers: { key: string; value: number };
  words: { key: string; value: string };
}

const OLD: DatabaseFormat<Schema> = { migrations: [(database) => void database.createObjectStore("numbers")] };
const NEW: DatabaseFormat<Schema> = { migrations: [...OLD.migrations, (database) => void database.createObjectStore("words")] };

const readNumber = (database: StoreDatabase<Schema>) => database.read("reading", async (transaction) => transaction.objectStore("numbers").get("a"));
const writeNumber = (database: StoreDatabase<Schema>, value: number) =>
  database.write("writing", async (transaction) => send(transaction.objectStore("numbers").put(value, "a")));

describe("StoreDatabase", () => {
  it("brings an older format to the newest and keeps what is in it", async () => {
    const name = freshName();
    const old = await StoreDatabase.open(name, OLD);
    await writeNumber(old, 1);
    await old.close();
    const database = await StoreDatabase.open(name, NEW);
    expect(await readNumber(database)).toBe(1);
    await database.write("writing", async (transaction) => send(transaction.objectStore("words").put("b", "a")));
    await database.close();
  });

  it("refuses a newer format and leaves it as it is", async () => {
    const name = freshName();
    await (await StoreDatabase.open(name, NEW)).close();
    await expect(StoreDatabase.open(name, OLD)).rejects.toMatchObject({ code: "ERR_NEWER_FORMAT", cause: { name: "VersionError" } });
    await (await StoreDatabase.open(name, NEW)).close();
  });

  it("gives way to a newer version of the app, after what it was writing", async () => {
    const name = freshName();
    const old = await StoreDatabase.open(name, OLD);
    const writing = writeNumber(old, 2);
    const database = await StoreDatabase.open(name, NEW);
    await writing;
    expect(await readNumber(database)).toBe(2);
    await expect(readNumber(old)).rejects.toMatchObject({ code: "ERR_NEWER_FORMAT" });
    await expect(writeNumber(old, 3)).rejects.toMatchObject({ code: "ERR_NEWER_FORMAT" });
    await old.close();
    await database.close();
  });

  it("says that a connection which does not give way is in the way, and does not linger after it", async () => {
    const name = freshName();
    const stubborn = await openDB(name, 1);
    await expect(StoreDatabase.open(name, NEW)).rejects.toMatchObject({ code: "ERR_IN_USE" });
    stubborn.close();
    await deleteDB(name); // blocked for good, were the connection that came too late still open
  });

  it("is told when its database is deleted, and starts anew when it is opened again", async () => {
    const name = freshName();
    const database = await StoreDatabase.open(name, OLD);
    await writeNumber(database, 1);
    await deleteDB(name);
    await expect(readNumber(database)).rejects.toMatchObject({ code: "ERR_STORE_FAILED", message: expect.stringContaining("deleted") });
    await expect(writeNumber(database, 2)).rejects.toMatchObject({ code: "ERR_STORE_FAILED" });
    const again = await StoreDatabase.open(name, OLD);
    expect(await readNumber(again)).toBeUndefined();
    await again.close();
  });

  it("finishes what was asked for before close", async () => {
    const name = freshName();
    const database = await StoreDatabase.open(name, OLD);
    const written = writeNumber(database, 1);
    await database.close();
    await written;
    await expect(readNumber(database)).rejects.toMatchObject({ code: "ERR_CLOSED" });
    const again = await StoreDatabase.open(name, OLD);
    expect(await readNumber(again)).toBe(1);
    await again.close();
  });

  it("undoes all of a write when a part of it fails, and says what failed", async () => {
    const database = await StoreDatabase.open(freshName(), OLD);
    await writeNumber(database, 1);
    const outcome = database.write("adding to", async (transaction) => {
      send(transaction.objectStore("numbers").put(2, "b"));
      send(transaction.objectStore("numbers").add(3, "a"));
    });
    await expect(outcome).rejects.toMatchObject({ code: "ERR_STORE_FAILED", cause: { name: "ConstraintError" } });
    const kept = await database.read("reading", async (transaction) => transaction.objectStore("numbers").getAllKeys());
    expect(kept).toEqual(["a"]);
    expect(await readNumber(database)).toBe(1);
    await database.close();
  });

  it("undoes a write whose body throws in its middle", async () => {
    const database = await StoreDatabase.open(freshName(), OLD);
    const outcome = database.write("writing", async (transaction) => {
      send(transaction.objectStore("numbers").put(1, "a"));
      throw new Error("in the middle");
    });
    await expect(outcome).rejects.toMatchObject({ code: "ERR_STORE_FAILED", cause: { message: "in the middle" } });
    expect(await readNumber(database)).toBeUndefined();
    await database.close();
  });

  it("undoes a write whose signal aborts before it is committed", async () => {
    const database = await StoreDatabase.open(freshName(), OLD);
    const controller = new AbortController();
    const reason = new Error("stop");
    const outcome = database.write(
      "writing",
      async (transaction) => {
        await transaction.objectStore("numbers").put(1, "a");
        controller.abort(reason);
      },
      controller.signal,
    );
    await expect(outcome).rejects.toBe(reason);
    expect(await readNumber(database)).toBeUndefined();
    await database.close();
  });
});

describe.each([
  { store: "blob", format: 1, prefix: "twinfold-blobs:", create: createIdbBlobStore },
  { store: "replica", format: 3, prefix: "twinfold-replica:", create: createIdbReplicaStore },
])("the $store store", ({ format, prefix, create }) => {
  it("has its format, and refuses a newer one", async () => {
    const name = freshName();
    await (await create({ name })).close();
    const database = await openDB(prefix + name);
    expect(database.version).toBe(format);
    database.close();
    (await openDB(prefix + name, format + 1)).close();
    for (let time = 0; time < 2; time++) await expect(create({ name })).rejects.toMatchObject({ code: "ERR_NEWER_FORMAT" });
  });
});
