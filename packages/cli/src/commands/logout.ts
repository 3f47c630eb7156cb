import type { Context } from "../context.js";
import { signOut } from "../device/sign-in.js";

export async function logout(context: Context): Promise<void> {
  const { credentials, revoked } = await signOut(context);
  if (!revoked) {
    context.output.note(
      `twinfold: ${credentials.server} could not be told: revoke this device (${credentials.deviceId}) with \`twinfold devices revoke\` from another one`,
    );
  }
  context.output.answer({ email: credentials.email, deviceId: credentials.deviceId, revoked }, `${credentials.email} is logged out of this device.`);
}
