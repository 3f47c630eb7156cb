import Type, { type Static, type TSchema } from "typebox";
import type { FastifyTypeProvider } from "fastify";

/** Lets a route's handler know its body by the schema that checks it. */
export interface TypeBoxProvider extends FastifyTypeProvider {
  readonly validator: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
  readonly serializer: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
}

const hexId = Type.String({ pattern: "^[0-9a-f]{32}$", description: "16 bytes in lower-case hex" });
const timeMs = Type.Integer({ minimum: 0, description: "ms since 1970" });
/** No control characters, and something to see. */
const title = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: "^[^\\u0000-\\u001f\\u007f]*[^\\s\\u0000-\\u001f\\u007f][^\\u0000-\\u001f\\u007f]*$" });

export const signInSchema = Type.Object(
  {
    email: Type.String({ maxLength: 254, pattern: "^\\s*[^\\s@]+@[^\\s@]+\\s*$" }),
    password: Type.String({ minLength: 8, maxLength: 1024 }),
    deviceName: title(64),
  },
  { additionalProperties: false },
);

export const accountSchema = Type.Object({ accountId: hexId, email: Type.String(), plan: Type.String() });

export const deviceSchema = Type.Object({
  deviceId: hexId,
  name: Type.String(),
  createdAtMs: timeMs,
  lastSeenAtMs: timeMs,
  revokedAtMs: Type.Optional(timeMs),
});

export const sessionSchema = Type.Object({
  account: accountSchema,
  device: deviceSchema,
  token: Type.String({ description: "Authorizes this device. Told once; the server keeps only its hash." }),
});

export const meSchema = Type.Object({ account: accountSchema, device: deviceSchema });
export const devicesSchema = Type.Object({ devices: Type.Array(deviceSchema) });
export const deviceParamsSchema = Type.Object({ deviceId: hexId });

export const newWorkspaceSchema = Type.Object({ name: title(255) }, { additionalProperties: false });
export const workspaceSchema = Type.Object({ workspaceId: hexId, name: Type.String(), createdAtMs: timeMs });
export const workspacesSchema = Type.Object({ workspaces: Type.Array(workspaceSchema) });

export const uploadQuerySchema = Type.Object({ workspace: hexId }, { additionalProperties: false });

const problemSchema = Type.Object({
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String({ description: "Stable: programs match on it" }),
  detail: Type.String(),
  workspaceId: Type.Optional(hexId),
  retryAfterSeconds: Type.Optional(Type.Integer()),
});

/** What every route may answer instead. */
export const problemResponse = {
  default: { description: "A problem (RFC 9457)", content: { "application/problem+json": { schema: problemSchema } } },
} as const;

export const noContent = Type.Null({ description: "Done" });
