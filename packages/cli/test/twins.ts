import { type Result, loggedIn, type Running, signedUp, startTwinfold, temporaryFolder, twinfold } from "./twinfold.js";

/** A device and its linked folder. */
export interface Twin {
  readonly home: string;
  readonly folder: string;
}

/** Two devices of one account, each with a folder linked to the workspace `twins`. */
export async function twins(url: string): Promise<readonly [Twin, Twin]> {
  const [laptop, phone] = [await signedUp(url), await loggedIn(url)];
  return [await linked(laptop), await linked(phone)];
}

export async function linked(home: string, workspace = "twins", dir?: string): Promise<Twin> {
  const folder = dir ?? (await temporaryFolder());
  const { code, stderr } = await twinfold(["link", folder, "--workspace", workspace, "--json"], { home });
  if (code !== 0) throw new Error(stderr);
  return { home, folder };
}

export async function syncOnce({ home, folder }: Twin, ...more: string[]): Promise<Result> {
  return await twinfold(["sync", folder, "--once", "--json", ...more], { home });
}

/** A running `twinfold sync` that has told a fact: that its first pass is made, if no other is named. */
export async function following(home: string, fact: (line: string) => boolean = tells("sync:finished")): Promise<Running> {
  const running = startTwinfold(["sync", "--json"], { home });
  await running.line(fact);
  return running;
}

/** Matches the JSON line of an event that contains `part`. */
export function tells(event: string, part = ""): (line: string) => boolean {
  return (line) => (JSON.parse(line) as { event: string }).event === event && line.includes(part);
}
