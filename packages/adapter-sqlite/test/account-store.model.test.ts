import { type AccountId, type AccountStore, createMemoryAccountStore, type DeviceId, isTwinfoldError, type WorkspaceId } from "@twinfold/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createSqliteAccountStore } from "../src/index.js";
import { temporaryPath } from "./temporary-path.js";

/* A few ids and keys, so that rows meet. */
const ACCOUNTS = ["1", "2", "3"].map((digit) => digit.repeat(32) as AccountId);
const DEVICES = ["4", "5", "6"].map((digit) => digit.repeat(32) as DeviceId);
const WORKSPACES = ["7", "8", "9"].map((digit) => digit.repeat(32) as WorkspaceId);
const KEYS = ["a", "A", "%"];

const accountId = fc.constantFrom(...ACCOUNTS);
const deviceId = fc.constantFrom(...DEVICES);
const workspaceId = fc.constantFrom(...WORKSPACES);
const key = fc.constantFrom(...KEYS);
const text = fc.string({ unit: "grapheme", maxLength: 3 });
const atMs = fc.oneof(fc.constantFrom(0, 1), fc.maxSafeNat());

const account = fc.record({ accountId, email: text, emailKey: key, passwordHash: text, plan: text, createdAtMs: atMs });
const device = fc.record(
  { deviceId, accountId, name: text, tokenHash: key, createdAtMs: atMs, lastSeenAtMs: atMs, revokedAtMs: atMs },
  { requiredKeys: ["deviceId", "accountId", "name", "tokenHash", "createdAtMs", "lastSeenAtMs"] },
);
const workspace = fc.record({ accountId, workspaceId, name: key, createdAtMs: atMs });

/** One call that writes. */
type Command = (store: AccountStore) => Promise<unknown>;
const command: fc.Arbitrary<Command> = fc.oneof(
  account.map((row) => (store: AccountStore) => store.addAccount(row)),
  fc.tuple(accountId, text).map((args) => (store: AccountStore) => store.setPasswordHash(...args)),
  device.map((row) => (store: AccountStore) => store.addDevice(row)),
  fc.tuple(accountId, deviceId, atMs).map((args) => (store: AccountStore) => store.revokeDevice(...args)),
  fc.tuple(deviceId, atMs).map((args) => (store: AccountStore) => store.sawDevice(...args)),
  workspace.map((row) => (store: AccountStore) => store.addWorkspace(row)),
);

/** Everything that can be asked of a store. */
async function answersOf(store: AccountStore): Promise<unknown> {
  return {
    accounts: await Promise.all(ACCOUNTS.map((id) => store.account(id))),
    byEmail: await Promise.all(KEYS.map((emailKey) => store.accountByEmail(emailKey))),
    byToken: await Promise.all(KEYS.map((tokenHash) => store.deviceByToken(tokenHash))),
    devices: await Promise.all(ACCOUNTS.map((id) => store.devices(id))),
    workspaces: await Promise.all(ACCOUNTS.map((id) => store.workspaces(id))),
  };
}

/** What a call gives, or the code of its failure. */
function outcomeOf(calling: Promise<unknown>): Promise<unknown> {
  return calling.catch((error: unknown) => (isTwinfoldError(error) ? error.code : error));
}

it("answers as the store in memory does, whatever was written, and so again after it was opened anew", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 12 }), async (commands) => {
      const path = temporaryPath();
      const model = createMemoryAccountStore();
      let store = await createSqliteAccountStore({ path });
      try {
        for (const call of commands) {
          expect(await outcomeOf(call(store))).toEqual(await outcomeOf(call(model)));
          expect(await answersOf(store)).toEqual(await answersOf(model));
        }
        await store.close();
        store = await createSqliteAccountStore({ path });
        expect(await answersOf(store)).toEqual(await answersOf(model));
      } finally {
        await store.close();
      }
    }),
    { numRuns: 60 },
  );
});
