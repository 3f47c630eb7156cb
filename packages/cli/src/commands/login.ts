import type { Context } from "../context.js";
import { type SignInOptions, signIn } from "../device/sign-in.js";
import { passwordFromStdin, passwordFromTerminal } from "../output/password.js";
import { accountDocument } from "./account-document.js";

export async function login(context: Context, options: SignInOptions): Promise<void> {
  const password = () =>
    options.passwordStdin === true ? passwordFromStdin(context) : passwordFromTerminal(`Password of ${options.email}: `, context);
  const credentials = await signIn(context, options, { method: "logIn", password });
  context.output.answer(accountDocument(credentials), `Logged in as ${credentials.email}, on this device ${credentials.deviceName}.`);
}
