import { TwinfoldError } from "@twinfold/core";
import type { Context } from "../context.js";
import { type SignInOptions, signIn } from "../device/sign-in.js";
import { passwordFromStdin, passwordFromTerminal } from "../output/password.js";
import { accountDocument } from "./account-document.js";

export async function signup(context: Context, options: SignInOptions): Promise<void> {
  const password = () => (options.passwordStdin === true ? passwordFromStdin(context) : chosenPassword(options.email, context));
  const credentials = await signIn(context, options, { method: "signUp", password });
  context.output.answer(
    accountDocument(credentials),
    `Made the account ${credentials.email}, and logged in on this device ${credentials.deviceName}.`,
  );
}

/** Nobody sees what is typed, so it is asked for twice. */
async function chosenPassword(email: string, context: Context): Promise<string> {
  const password = await passwordFromTerminal(`New password for ${email}: `, context);
  if ((await passwordFromTerminal("The same again: ", context)) !== password) throw new TwinfoldError("ERR_USAGE", "the two passwords differ");
  return password;
}
