import type { Context } from "../context.js";
import { withAccount } from "../device/sign-in.js";
import { accountDocument } from "./account-document.js";

/** Asks the server, so that a revoked device learns it. */
export async function whoami(context: Context): Promise<void> {
  await withAccount(context, async (api, credentials) => {
    const { account } = await api.me({ signal: context.signal });
    const text = `${account.email} at ${credentials.server}, on the device ${credentials.deviceName} (plan ${account.plan})`;
    context.output.answer({ ...accountDocument(credentials), plan: account.plan }, text);
  });
}
