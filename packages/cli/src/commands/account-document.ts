import type { Credentials } from "../device/credentials.js";

/** Who is logged in, as it is told with `--json`: everything but the secret. */
export function accountDocument({ server, accountId, email, deviceId, deviceName }: Credentials) {
  return { server, accountId, email, deviceId, deviceName };
}
