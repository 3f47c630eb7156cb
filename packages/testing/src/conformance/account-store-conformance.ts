import type { AccountRow, AccountStore, AccountWorkspaceRow, DeviceRow } from "@twinfold/core";
import { assertEqual, assertRejects } from "./assertions.js";
import { type Clause, type ConformanceOptions, describeClauses } from "./clauses.js";
import { CONFUSABLE_NAMES, sampleAccountId, sampleDeviceId, sampleWorkspaceId, upTo } from "./samples.js";
import type { TestRunner } from "./test-runner.js";

/** After 2^31 and not a multiple of a second: a store that keeps 32 bits or seconds is found out. */
const NOW_MS = 1_700_000_000_123;
const CONCURRENT = 32;

function account(n: number, emailKey = `person${n}@example.com`): AccountRow {
  return { accountId: sampleAccountId(n), email: ` ${emailKey} `, emailKey, passwordHash: "$argon2id$x", plan: "free", createdAtMs: NOW_MS + n };
}

function device(n: number, options: Partial<DeviceRow> = {}): DeviceRow {
  const [accountId, tokenHash] = [sampleAccountId(1), `token ${n}`];
  return { deviceId: sampleDeviceId(n), accountId, name: "laptop", tokenHash, createdAtMs: NOW_MS + n, lastSeenAtMs: NOW_MS, ...options };
}

function workspace(n: number, name = `workspace ${n}`, accountNumber = 1): AccountWorkspaceRow {
  return { accountId: sampleAccountId(accountNumber), workspaceId: sampleWorkspaceId(n), name, createdAtMs: NOW_MS - n };
}

const CLAUSES = {
  "AS1 an account that was added can be read by id and by e-mail": {
    async check(store) {
      assertEqual(await store.addAccount(account(1)), "added");
      assertEqual(await store.account(sampleAccountId(1)), account(1));
      assertEqual(await store.accountByEmail("person1@example.com"), account(1));
      assertEqual(await store.account(sampleAccountId(2)), undefined);
      assertEqual(await store.accountByEmail("person2@example.com"), undefined);
    },
  },
  "AS1 every field comes back as it was, empty or long, of any script": {
    async check(store) {
      for (const [i, text] of ["", "x".repeat(65_536), "Zoë \u{1f600}", "e\u0301", "a\tb\nc", "'"].entries()) {
        const full = { ...account(i + 1), email: text, passwordHash: text, plan: text, createdAtMs: Number.MAX_SAFE_INTEGER - i };
        await store.addAccount(full);
        assertEqual(await store.account(full.accountId), full);
        const laptop = device(i + 1, { accountId: full.accountId, name: text, lastSeenAtMs: 0, createdAtMs: 0, revokedAtMs: 0 });
        await store.addDevice(laptop);
        assertEqual(await store.devices(full.accountId), [laptop]);
        const folder = { ...workspace(1, text), accountId: full.accountId, createdAtMs: 0 };
        await store.addWorkspace(folder);
        assertEqual(await store.workspaces(full.accountId), [folder]);
      }
    },
  },
  "AS1 sawDevice moves the time of that device only": {
    async check(store) {
      for (const n of [1, 2]) await store.addDevice(device(n));
      await store.sawDevice(sampleDeviceId(1), NOW_MS + 9);
      await store.sawDevice(sampleDeviceId(3), NOW_MS + 9);
      assertEqual(await store.devices(sampleAccountId(1)), [device(1, { lastSeenAtMs: NOW_MS + 9 }), device(2)]);
      assertEqual(await store.deviceByToken("token 3"), undefined, "a device that was never added");
    },
  },
  "AS1 a new password replaces the old one, of that account only": {
    async check(store) {
      for (const n of [1, 2]) await store.addAccount(account(n));
      await store.setPasswordHash(sampleAccountId(1), "new");
      assertEqual((await store.account(sampleAccountId(1)))?.passwordHash, "new");
      assertEqual(await store.account(sampleAccountId(2)), account(2));
      await store.setPasswordHash(sampleAccountId(3), "new");
      assertEqual(await store.account(sampleAccountId(3)), undefined, "an account that was never added");
    },
  },
  "AS2 an id or an e-mail key that is taken gives exists and changes nothing": {
    async check(store) {
      await store.addAccount(account(1));
      assertEqual(await store.addAccount({ ...account(2), emailKey: account(1).emailKey }), "exists");
      assertEqual(await store.addAccount({ ...account(2), accountId: sampleAccountId(1) }), "exists");
      assertEqual(await store.account(sampleAccountId(1)), account(1));
      assertEqual(await store.account(sampleAccountId(2)), undefined);
      assertEqual(await store.accountByEmail(account(2).emailKey), undefined);
    },
  },
  "AS2 of concurrent sign-ups with one e-mail one wins": {
    async check(store) {
      const numbers = upTo(CONCURRENT);
      const outcomes = await Promise.all(numbers.map((n) => store.addAccount(account(n, "one@example.com"))));
      assertEqual(outcomes.filter((outcome) => outcome === "added").length, 1);
      const winner = numbers[outcomes.indexOf("added")] ?? 0;
      assertEqual(await store.accountByEmail("one@example.com"), account(winner, "one@example.com"));
    },
  },
  "AS3 a device whose id or token is taken is refused": {
    async check(store) {
      await store.addDevice(device(1));
      await assertRejects(store.addDevice(device(1, { tokenHash: "another" })), "ERR_ALREADY_EXISTS");
      await assertRejects(store.addDevice(device(2, { tokenHash: "token 1", accountId: sampleAccountId(2) })), "ERR_ALREADY_EXISTS");
      assertEqual(await store.devices(sampleAccountId(1)), [device(1)]);
      assertEqual(await store.devices(sampleAccountId(2)), []);
      assertEqual(await store.deviceByToken("another"), undefined);
    },
  },
  "AS3 of 32 devices that come at once with one token one is added": {
    async check(store) {
      const outcomes = await Promise.allSettled(upTo(CONCURRENT).map((n) => store.addDevice(device(n, { tokenHash: "one" }))));
      const added = outcomes.flatMap(({ status }, i) => (status === "fulfilled" ? [device(i + 1, { tokenHash: "one" })] : []));
      assertEqual(added.length, 1, "devices that were added");
      assertEqual(await store.devices(sampleAccountId(1)), added);
      assertEqual(await store.deviceByToken("one"), added[0]);
    },
  },
  "AS3 a refused device harms no other that is added at the same time": {
    async check(store) {
      await store.addDevice(device(1));
      const outcomes = await Promise.allSettled([store.addDevice(device(2)), store.addDevice(device(1)), store.addDevice(device(3))]);
      assertEqual(
        outcomes.map(({ status }) => status),
        ["fulfilled", "rejected", "fulfilled"],
      );
      assertEqual(await store.devices(sampleAccountId(1)), [device(1), device(2), device(3)]);
    },
  },
  "AS4 a revoked device is still found, and stays revoked": {
    async check(store) {
      await store.addDevice(device(1));
      assertEqual(await store.revokeDevice(sampleAccountId(1), sampleDeviceId(1), NOW_MS + 5), true);
      assertEqual(await store.deviceByToken("token 1"), device(1, { revokedAtMs: NOW_MS + 5 }));
      await store.sawDevice(sampleDeviceId(1), NOW_MS + 7);
      await store.revokeDevice(sampleAccountId(1), sampleDeviceId(1), NOW_MS + 9);
      assertEqual(await store.deviceByToken("token 1"), device(1, { revokedAtMs: NOW_MS + 5, lastSeenAtMs: NOW_MS + 7 }));
    },
  },
  "AS4 only the device's own account can revoke it": {
    async check(store) {
      await store.addDevice(device(1));
      assertEqual(await store.revokeDevice(sampleAccountId(2), sampleDeviceId(1), NOW_MS), false);
      assertEqual(await store.revokeDevice(sampleAccountId(1), sampleDeviceId(2), NOW_MS), false);
      assertEqual(await store.deviceByToken("token 1"), device(1));
    },
  },
  "AS4 devices and workspaces of one moment are listed by id": {
    async check(store) {
      for (const n of [3, 1, 2]) {
        await store.addDevice(device(n, { createdAtMs: NOW_MS }));
        await store.addWorkspace({ ...workspace(n), createdAtMs: NOW_MS });
      }
      assertEqual(
        (await store.devices(sampleAccountId(1))).map(({ deviceId }) => deviceId),
        [1, 2, 3].map(sampleDeviceId),
      );
      assertEqual(
        (await store.workspaces(sampleAccountId(1))).map(({ workspaceId }) => workspaceId),
        [1, 2, 3].map(sampleWorkspaceId),
      );
    },
  },
  "AS4 devices and workspaces are listed oldest first, of one account": {
    async check(store) {
      for (const n of [3, 1, 2]) {
        await store.addDevice(device(n));
        await store.addWorkspace(workspace(n));
      }
      await store.addDevice(device(4, { accountId: sampleAccountId(2) }));
      await store.addWorkspace(workspace(4, "four", 2));
      assertEqual(
        await store.devices(sampleAccountId(1)),
        [1, 2, 3].map((n) => device(n)),
      );
      assertEqual(
        await store.workspaces(sampleAccountId(1)),
        [3, 2, 1].map((n) => workspace(n)),
      );
      assertEqual(await store.workspaces(sampleAccountId(3)), []);
    },
  },
  "AS5 a workspace or a name that the account has gives exists and changes nothing": {
    async check(store) {
      assertEqual(await store.addWorkspace(workspace(1, "photos")), "added");
      assertEqual(await store.addWorkspace(workspace(1, "another")), "exists");
      assertEqual(await store.addWorkspace(workspace(2, "photos")), "exists");
      assertEqual(await store.workspaces(sampleAccountId(1)), [workspace(1, "photos")]);
      assertEqual(await store.addWorkspace(workspace(1, "photos", 2)), "added", "for another account");
      const outcomes = await Promise.all(upTo(CONCURRENT).map((n) => store.addWorkspace(workspace(n + 2, "music"))));
      assertEqual(outcomes.filter((outcome) => outcome === "added").length, 1, "of 32 that come at once");
      assertEqual((await store.workspaces(sampleAccountId(1))).length, 2);
    },
  },
  "AS6 e-mails, names and tokens are told apart byte by byte": {
    async check(store) {
      for (const [i, name] of CONFUSABLE_NAMES.entries()) {
        assertEqual(await store.addAccount(account(i + 1, name)), "added", name);
        await store.addDevice(device(i + 1, { tokenHash: name }));
        assertEqual(await store.addWorkspace(workspace(i + 1, name)), "added", name);
      }
      for (const [i, name] of CONFUSABLE_NAMES.entries()) {
        assertEqual(await store.accountByEmail(name), account(i + 1, name));
        assertEqual((await store.deviceByToken(name))?.deviceId, sampleDeviceId(i + 1));
      }
      assertEqual(await store.accountByEmail("a__"), undefined);
      assertEqual(await store.deviceByToken("a__"), undefined);
    },
  },
  "AS7 after close every call rejects": {
    async check(store) {
      await store.close();
      await store.close();
      const calls: ReadonlyArray<() => Promise<unknown>> = [
        () => store.addAccount(account(1)),
        () => store.account(sampleAccountId(1)),
        () => store.accountByEmail("a"),
        () => store.setPasswordHash(sampleAccountId(1), "x"),
        () => store.addDevice(device(1)),
        () => store.deviceByToken("x"),
        () => store.devices(sampleAccountId(1)),
        () => store.revokeDevice(sampleAccountId(1), sampleDeviceId(1), NOW_MS),
        () => store.sawDevice(sampleDeviceId(1), NOW_MS),
        () => store.addWorkspace(workspace(1)),
        () => store.workspaces(sampleAccountId(1)),
      ];
      for (const call of calls) await assertRejects(call(), "ERR_CLOSED", String(call));
    },
  },
  "AS7 what was written is there when the store is opened again": {
    needsReopen: true,
    async check(store, { reopen }) {
      await store.addAccount(account(1));
      await store.addDevice(device(1));
      await store.revokeDevice(sampleAccountId(1), sampleDeviceId(1), NOW_MS);
      await store.addWorkspace(workspace(1));
      await store.close();
      const again = await reopen(store);
      assertEqual(await again.account(sampleAccountId(1)), account(1));
      assertEqual(await again.devices(sampleAccountId(1)), [device(1, { revokedAtMs: NOW_MS })]);
      assertEqual(await again.workspaces(sampleAccountId(1)), [workspace(1)]);
    },
  },
  "AS7 of 32 sign-ups under way when the store closes, those that were answered are there": {
    needsReopen: true,
    async check(store, { reopen }) {
      const adding = Promise.allSettled(upTo(CONCURRENT).map((n) => store.addAccount(account(n))));
      await store.close();
      const outcomes = await adding;
      const again = await reopen(store);
      for (const [i, { status }] of outcomes.entries()) {
        if (status === "fulfilled") assertEqual(await again.account(sampleAccountId(i + 1)), account(i + 1));
      }
    },
  },
} satisfies Record<string, Clause<AccountStore>>;

export type AccountStoreClause = keyof typeof CLAUSES;

/** Checks every numbered guarantee of `AccountStore`. */
export function accountStoreConformance(runner: TestRunner, options: ConformanceOptions<AccountStore, AccountStoreClause>): void {
  describeClauses(runner, "AccountStore conformance", CLAUSES, options);
}
