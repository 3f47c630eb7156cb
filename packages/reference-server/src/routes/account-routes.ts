import {
  type AccountId,
  type AccountRow,
  type AccountStore,
  type AccountWorkspaceRow,
  type DeviceId,
  type DeviceRow,
  type Env,
  type Hub,
  type Principal,
  randomId,
  TwinfoldError,
} from "@twinfold/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { DeviceSessions } from "../device-sessions.js";
import type { Passwords } from "../passwords.js";
import { Refusal } from "../problem.js";
import type { ResolvedServerOptions } from "../server-options.js";
import type { Throttle } from "../throttle.js";
import {
  deviceParamsSchema,
  devicesSchema,
  meSchema,
  newWorkspaceSchema,
  noContent,
  problemResponse,
  sessionSchema,
  signInSchema,
  type TypeBoxProvider,
  workspaceSchema,
  workspacesSchema,
} from "./schemas.js";

export interface AccountRoutesOptions {
  readonly accounts: AccountStore;
  readonly hub: Hub;
  readonly sessions: DeviceSessions;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly env: Env;
  readonly config: Pick<ResolvedServerOptions, "signUp" | "signInsPerMinute">;
}

/** One address may try this many times as often as one address with one account: many people can stand behind it. */
const ADDRESS_FACTOR = 10;
const bearer = [{ token: [] }];

/** Accounts, devices and workspaces: JSON. */
export function accountRoutes(instance: FastifyInstance, options: AccountRoutesOptions): void {
  const { accounts, hub, sessions, passwords, throttle, env, config } = options;
  const app = instance.withTypeProvider<TypeBoxProvider>();
  const principalOf = (request: FastifyRequest): Promise<Principal> => sessions.authenticate(request.headers.authorization);

  app.post(
    "/v1/accounts",
    { schema: { summary: "Sign up", tags: ["accounts"], body: signInSchema, response: { 201: sessionSchema, ...problemResponse } } },
    async (request, reply) => {
      const { email, password, deviceName } = request.body;
      if (!config.signUp) throw new TwinfoldError("ERR_PERMISSION_DENIED", "this server takes no new accounts: ask its operator for one");
      throttle.take(`address ${request.ip}`, config.signInsPerMinute * ADDRESS_FACTOR);
      const account: AccountRow = {
        accountId: randomId<AccountId>(env),
        email: email.trim(),
        emailKey: emailKey(email),
        passwordHash: await passwords.hash(password),
        plan: "unlimited",
        createdAtMs: env.nowMs(),
      };
      if ((await accounts.addAccount(account)) === "exists") {
        throw new TwinfoldError("ERR_ALREADY_EXISTS", "this e-mail address has an account here: log in instead");
      }
      const { device, token } = await sessions.create(account.accountId, deviceName);
      return await reply.code(201).send({ account: shownAccount(account), device: shownDevice(device), token });
    },
  );

  app.post(
    "/v1/sessions",
    { schema: { summary: "Log in", tags: ["accounts"], body: signInSchema, response: { 201: sessionSchema, ...problemResponse } } },
    async (request, reply) => {
      const { email, password, deviceName } = request.body;
      const keys = [`address ${request.ip}`, `address and account ${request.ip} ${emailKey(email)}`] as const;
      throttle.take(keys[0], config.signInsPerMinute * ADDRESS_FACTOR);
      throttle.take(keys[1], config.signInsPerMinute);
      const account = await accounts.accountByEmail(emailKey(email));
      const matches = await passwords.verify(account?.passwordHash, password);
      if (account === undefined || !matches) throw new TwinfoldError("ERR_UNAUTHENTICATED", "the e-mail address or the password is wrong");
      for (const key of keys) throttle.giveBack(key);
      const { device, token } = await sessions.create(account.accountId, deviceName);
      return await reply.code(201).send({ account: shownAccount(account), device: shownDevice(device), token });
    },
  );

  app.delete(
    "/v1/sessions/current",
    { schema: { summary: "Log out: revokes this device", tags: ["accounts"], security: bearer, response: { 204: noContent, ...problemResponse } } },
    async (request, reply) => {
      const { accountId, deviceId } = await principalOf(request);
      await sessions.revoke(accountId, deviceId);
      return await reply.code(204).send(null);
    },
  );

  app.get(
    "/v1/me",
    { schema: { summary: "Who is logged in", tags: ["accounts"], security: bearer, response: { 200: meSchema, ...problemResponse } } },
    async (request) => {
      const { accountId, deviceId } = await principalOf(request);
      const [account, devices] = await Promise.all([accounts.account(accountId), accounts.devices(accountId)]);
      const device = devices.find((row) => row.deviceId === deviceId);
      if (account === undefined || device === undefined) throw new TwinfoldError("ERR_NOT_FOUND", "this account is gone");
      return { account: shownAccount(account), device: shownDevice(device) };
    },
  );

  app.get(
    "/v1/devices",
    {
      schema: {
        summary: "The account's devices, oldest first",
        tags: ["devices"],
        security: bearer,
        response: { 200: devicesSchema, ...problemResponse },
      },
    },
    async (request) => {
      const { accountId } = await principalOf(request);
      return { devices: (await accounts.devices(accountId)).map(shownDevice) };
    },
  );

  app.delete(
    "/v1/devices/:deviceId",
    {
      schema: {
        summary: "Revoke a device",
        tags: ["devices"],
        security: bearer,
        params: deviceParamsSchema,
        response: { 204: noContent, ...problemResponse },
      },
    },
    async (request, reply) => {
      const { accountId } = await principalOf(request);
      if (!(await sessions.revoke(accountId, request.params.deviceId as DeviceId))) {
        throw new TwinfoldError("ERR_NOT_FOUND", `this account has no device ${request.params.deviceId}`);
      }
      return await reply.code(204).send(null);
    },
  );

  app.get(
    "/v1/workspaces",
    {
      schema: {
        summary: "The account's workspaces, oldest first",
        tags: ["workspaces"],
        security: bearer,
        response: { 200: workspacesSchema, ...problemResponse },
      },
    },
    async (request) => {
      const { accountId } = await principalOf(request);
      return { workspaces: (await accounts.workspaces(accountId)).map(shownWorkspace) };
    },
  );

  app.post(
    "/v1/workspaces",
    {
      schema: {
        summary: "Make a workspace; one of that name is answered 409 with its id",
        tags: ["workspaces"],
        security: bearer,
        body: newWorkspaceSchema,
        response: { 201: workspaceSchema, ...problemResponse },
      },
    },
    async (request, reply) => {
      const { accountId } = await principalOf(request);
      const { name } = request.body;
      await refuseTakenName(accountId, name);
      const row = { accountId, workspaceId: await hub.createWorkspace(accountId), name, createdAtMs: env.nowMs() };
      // Another device may have taken the name meanwhile. The empty workspace that nothing names costs a row.
      if ((await accounts.addWorkspace(row)) === "exists") await refuseTakenName(accountId, name);
      return await reply.code(201).send(shownWorkspace(row));
    },
  );

  async function refuseTakenName(accountId: AccountId, name: string): Promise<void> {
    const taken = (await accounts.workspaces(accountId)).find((row) => row.name === name);
    if (taken !== undefined)
      throw new Refusal("ERR_ALREADY_EXISTS", `there is a workspace of that name: ${taken.workspaceId}`, { workspaceId: taken.workspaceId });
  }
}

function emailKey(email: string): string {
  return email.trim().toLowerCase();
}

function shownAccount({ accountId, email, plan }: AccountRow) {
  return { accountId, email, plan };
}

function shownWorkspace({ workspaceId, name, createdAtMs }: AccountWorkspaceRow) {
  return { workspaceId, name, createdAtMs };
}

function shownDevice({ deviceId, name, createdAtMs, lastSeenAtMs, revokedAtMs }: DeviceRow) {
  return { deviceId, name, createdAtMs, lastSeenAtMs, ...(revokedAtMs === undefined ? {} : { revokedAtMs }) };
}
