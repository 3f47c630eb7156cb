import {
  type AccountId,
  type DeviceId,
  type OperationOptions,
  parseAccountId,
  parseDeviceId,
  parseWorkspaceId,
  TwinfoldError,
  type WorkspaceId,
} from "@twinfold/core";
import { exchangeWhole, type HttpRequest } from "./exchange.js";
import { type PeerOptions, peerOf } from "./peer.js";

/** Without a `token` an account can be signed up and logged in to, no more. */
export type ApiClientOptions = PeerOptions;

export interface Account {
  readonly accountId: AccountId;
  readonly email: string;
  readonly plan: string;
}

export interface Device {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number;
  readonly revokedAtMs?: number | undefined;
}

export interface Workspace {
  readonly workspaceId: WorkspaceId;
  readonly name: string;
  readonly createdAtMs: number;
}

/** A device that is logged in. The token is told once and is nowhere else. */
export interface Session {
  readonly account: Account;
  readonly device: Device;
  readonly token: string;
}

export interface SignInRequest {
  readonly email: string;
  readonly password: string;
  readonly deviceName: string;
}

/** A server's accounts, devices and workspaces: the JSON routes. Errors are those of the HTTP transport. */
export interface ApiClient {
  /** `ERR_ALREADY_EXISTS` when the e-mail address has an account. */
  signUp(request: SignInRequest, options?: OperationOptions): Promise<Session>;
  /** `ERR_UNAUTHENTICATED` when e-mail address or password is wrong. */
  logIn(request: SignInRequest, options?: OperationOptions): Promise<Session>;
  /** Revokes this device. */
  logOut(options?: OperationOptions): Promise<void>;
  me(options?: OperationOptions): Promise<{ readonly account: Account; readonly device: Device }>;
  /** Oldest first, revoked ones too. */
  devices(options?: OperationOptions): Promise<readonly Device[]>;
  /** `ERR_NOT_FOUND` when the account has no such device. */
  revokeDevice(deviceId: DeviceId, options?: OperationOptions): Promise<void>;
  /** Oldest first. */
  workspaces(options?: OperationOptions): Promise<readonly Workspace[]>;
  /** `ERR_ALREADY_EXISTS` when the account has one of that name: the error is a `ServerError` whose problem names its id. */
  createWorkspace(request: { readonly name: string }, options?: OperationOptions): Promise<Workspace>;
}

const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export function createApiClient(options: ApiClientOptions): ApiClient {
  const peer = peerOf(options);

  const ask = async (
    method: HttpRequest["method"],
    path: string,
    { body, signal }: OperationOptions & { readonly body?: object | undefined } = {},
  ): Promise<Fields> => {
    const answer = await exchangeWhole(peer, {
      method,
      path,
      repeatable: method === "GET",
      ...(body === undefined ? {} : { body: [new TextEncoder().encode(JSON.stringify(body))], contentType: "application/json" }),
      answerType: "application/json",
      maxAnswerBytes: MAX_ANSWER_BYTES,
      signal,
    });
    return answer.length === 0 ? new Fields({}) : new Fields(parseJson(new TextDecoder().decode(answer)));
  };

  return {
    signUp: async (request, callOptions) => sessionOf(await ask("POST", "/v1/accounts", { body: request, ...callOptions })),
    logIn: async (request, callOptions) => sessionOf(await ask("POST", "/v1/sessions", { body: request, ...callOptions })),
    async logOut(callOptions) {
      await ask("DELETE", "/v1/sessions/current", callOptions);
    },
    async me(callOptions) {
      const answer = await ask("GET", "/v1/me", callOptions);
      return { account: accountOf(answer.fields("account")), device: deviceOf(answer.fields("device")) };
    },
    devices: async (callOptions) => (await ask("GET", "/v1/devices", callOptions)).list("devices").map(deviceOf),
    async revokeDevice(deviceId, callOptions) {
      await ask("DELETE", `/v1/devices/${deviceId}`, callOptions);
    },
    workspaces: async (callOptions) => (await ask("GET", "/v1/workspaces", callOptions)).list("workspaces").map(workspaceOf),
    createWorkspace: async (request, callOptions) => workspaceOf(await ask("POST", "/v1/workspaces", { body: request, ...callOptions })),
  };
}

/** A JSON object from outside, read field by field. @throws {TwinfoldError} `ERR_PROTOCOL` when a field is not what is asked for. */
class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed("not an object");
    this.#values = { ...value };
  }

  string(name: string): string {
    const value = this.#values[name];
    if (typeof value !== "string") throw malformed(`no text ${name}`);
    return value;
  }

  number(name: string): number {
    const value = this.#values[name];
    if (typeof value !== "number") throw malformed(`no number ${name}`);
    return value;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  fields(name: string): Fields {
    return new Fields(this.#values[name]);
  }

  list(name: string): Fields[] {
    const value = this.#values[name];
    if (!Array.isArray(value)) throw malformed(`no list ${name}`);
    return value.map((item: unknown) => new Fields(item));
  }
}

function malformed(what: string): TwinfoldError {
  return new TwinfoldError("ERR_PROTOCOL", `the server's answer is not understood: ${what}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("not JSON");
  }
}

function parsed<T>(parse: (text: string) => T, text: string): T {
  try {
    return parse(text);
  } catch {
    throw malformed("not an id");
  }
}

function sessionOf(answer: Fields): Session {
  return { account: accountOf(answer.fields("account")), device: deviceOf(answer.fields("device")), token: answer.string("token") };
}

function accountOf(fields: Fields): Account {
  return { accountId: parsed(parseAccountId, fields.string("accountId")), email: fields.string("email"), plan: fields.string("plan") };
}

function deviceOf(fields: Fields): Device {
  return {
    deviceId: parsed(parseDeviceId, fields.string("deviceId")),
    name: fields.string("name"),
    createdAtMs: fields.number("createdAtMs"),
    lastSeenAtMs: fields.number("lastSeenAtMs"),
    ...(fields.has("revokedAtMs") ? { revokedAtMs: fields.number("revokedAtMs") } : {}),
  };
}

function workspaceOf(fields: Fields): Workspace {
  return {
    workspaceId: parsed(parseWorkspaceId, fields.string("workspaceId")),
    name: fields.string("name"),
    createdAtMs: fields.number("createdAtMs"),
  };
}
