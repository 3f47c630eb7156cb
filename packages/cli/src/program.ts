import { Command, InvalidArgumentError } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { conflicts } from "./commands/conflicts.js";
import { devices, revokeDevice } from "./commands/devices.js";
import { doctor, type DoctorOptions } from "./commands/doctor.js";
import { explain } from "./commands/explain.js";
import { free } from "./commands/free.js";
import { get } from "./commands/get.js";
import { link, type LinkOptions } from "./commands/link.js";
import { login } from "./commands/login.js";
import { logout } from "./commands/logout.js";
import { pause } from "./commands/pause.js";
import { restore, type RestoreOptions } from "./commands/restore.js";
import { resolve, type ResolveOptions } from "./commands/resolve.js";
import { resume } from "./commands/resume.js";
import { revisions, type RevisionsOptions } from "./commands/revisions.js";
import type { ServeOptions } from "./commands/serve.js";
import { signup } from "./commands/signup.js";
import { status } from "./commands/status.js";
import { sync, type SyncOptions } from "./commands/sync.js";
import { type RestoreFromTrashOptions, restoreFromTrash, trash } from "./commands/trash.js";
import { unlink } from "./commands/unlink.js";
import { whoami } from "./commands/whoami.js";
import { workspaces } from "./commands/workspaces.js";
import type { Context, ExitCode } from "./context.js";
import type { SignInOptions } from "./device/sign-in.js";

/** Runs a command that commander has parsed. Rejects with what the command throws. */
export type Run = (command: (context: Context) => Promise<ExitCode> | Promise<void>) => Promise<void>;

/** All commands with their arguments and help. `--json` is read by the caller: usage errors are told in JSON too. */
export function createProgram(run: Run): Command {
  const program = new Command("twinfold")
    .description("Keeps folders twins: on this device, on the server, and on every other device.")
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ writeErr: () => {} }); // told by the caller, once

  const command = (usage: string, description: string, parent = program): Command =>
    parent.command(usage).description(description).option("--json", "one JSON document on stdout");

  command("serve", "serve workspaces from a folder of this machine")
    .option("--data <dir>", "where everything is kept")
    .option("--listen <host:port>", "where to accept connections (default: 127.0.0.1:4747)")
    .option("--blobs <url>", "where the bytes of files are kept: s3://bucket/prefix?endpoint=URL (default: in the data folder)")
    .option("--config <file>", "a JSON file with the same settings; options given here go before it")
    .option("--print-config", "print the settings in force, and do nothing")
    .action((options: ServeOptions) =>
      run(async (context) => {
        // A server is 40 times what a client loads: only `serve` waits for it.
        const { serve } = await import("./commands/serve.js");
        await serve(context, options);
      }),
    );

  for (const [name, action, description] of [
    ["signup", signup, "make an account at a server, and log in"],
    ["login", login, "log this device in at a server"],
  ] as const) {
    command(name, description)
      .requiredOption("--server <url>", "the server's address")
      .requiredOption("--email <address>", "the account's e-mail address")
      .option("--device <name>", "this device's name as others see it (default: the machine's name)")
      .option("--password-stdin", "read the password from stdin")
      .option("--insecure", "allow http:// to another machine: password and files travel unencrypted")
      .action((options: SignInOptions) => run((context) => action(context, options)));
  }
  command("logout", "log this device out; linked folders stay").action(() => run(logout));
  command("whoami", "show who is logged in on this device").action(() => run(whoami));

  command("link <dir>", "make a folder the twin of a workspace")
    .option("--workspace <name>", "the workspace, created when there is none (default: the folder's name)")
    .option("--merge-text", "merge text that was changed on two devices, where the changes do not meet")
    .option("--only <pattern...>", "hold only what matches, in .gitignore's syntax, from the folder's root")
    .option("--on-demand", "let files come when they are asked for, with `get`")
    .option("--fetch-size <size>", "with --on-demand: files up to this size come at once, such as 64k (default: none)", parseSize)
    .option("--fetch <pattern...>", "with --on-demand: files that match come at once")
    .option("--all", "hold everything again")
    .action((dir: string, options: LinkOptions) => run((context) => link(context, dir, options)));
  command("unlink <dir>", "end that; no file is touched").action((dir: string) => run((context) => unlink(context, dir)));
  command("workspaces", "list the account's workspaces").action(() => run(workspaces));

  command("sync [dir...]", "keep linked folders and their workspaces the same, until stopped")
    .option("--once", "return when they agree")
    .option("--dry-run", "show what would be done, and do nothing")
    .option("--confirm", "say yes to removals that wait for it")
    .action((dirs: string[], options: SyncOptions) => run((context) => sync(context, dirs, options)));
  command("pause [dir...]", "stop following linked folders").action((dirs: string[]) => run((context) => pause(context, dirs)));
  command("resume [dir...]", "follow them again").action((dirs: string[]) => run((context) => resume(context, dirs)));

  command("status [dir]", "show how linked folders stand").action((dir: string | undefined) => run((context) => status(context, dir)));
  command("explain <path>", "say what is the matter with one file or folder").action((path: string) => run((context) => explain(context, path)));
  command("doctor [dir]", "check every hop: the disk, this device's database, its view of the server, the server's chunks")
    .option("--repair", "mend what can be proved; nothing is lost by it")
    .option("--deep", "fetch every chunk from the server too, and check its bytes")
    .action((dir: string | undefined, options: DoctorOptions) => run((context) => doctor(context, dir, options)));
  command("get <path>", "bring a file that is not on this device, or all of them in a folder").action((path: string) =>
    run((context) => get(context, path)),
  );
  command("free <path>", "let go of the local copy of a file or folder that the server has; `get` brings it back").action((path: string) =>
    run((context) => free(context, path)),
  );
  command("revisions <path>", "list the kept revisions of a file, newest first")
    .option("--limit <count>", "at most so many", parseCount)
    .action((path: string, options: RevisionsOptions) => run((context) => revisions(context, path, options)));
  command("restore <path>", "make an older revision of a file the newest one")
    .requiredOption("--revision <number>", "as listed by `revisions`", parseCount)
    .action((path: string, options: RestoreOptions) => run((context) => restore(context, path, options)));
  command("conflicts [dir]", "list files that were changed on two devices apart").action((dir: string | undefined) =>
    run((context) => conflicts(context, dir)),
  );
  command("resolve <path>", "settle the conflict of a file or of its copy")
    .requiredOption("--keep <which>", "mine, theirs, both, or a file whose content is to stand instead of both")
    .action((path: string, options: ResolveOptions) => run((context) => resolve(context, path, options)));

  const trashCommand = program.command("trash").description("list what was replaced or deleted here, and bring it back");
  trashCommand
    .command("list [dir]", { isDefault: true })
    .description("list it, oldest first; it is kept for 30 days")
    .option("--json", "one JSON document on stdout")
    .action((dir: string | undefined) => run((context) => trash(context, dir)));
  command("restore <path>", "bring back the newest thing that was at a path", trashCommand)
    .option("--id <id>", "another one, by its id as listed with --json")
    .action((path: string, options: RestoreFromTrashOptions) => run((context) => restoreFromTrash(context, path, options)));

  const devicesCommand = program.command("devices").description("list and revoke the account's devices");
  devicesCommand
    .command("list", { isDefault: true })
    .description("list them")
    .option("--json", "one JSON document on stdout")
    .action(() => run(devices));
  command("revoke <id>", "log a device out for good", devicesCommand).action((id: string) => run((context) => revokeDevice(context, id)));
  return program;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError("It must be a whole number from 1.");
  return count;
}

/** Bytes, or with k, M or G behind them 1024 times as many each. */
function parseSize(text: string): number {
  const [, digits, unit = ""] = /^([0-9]{1,15})([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Number(digits) * 1024 ** ["", "k", "m", "g"].indexOf(unit.toLowerCase());
  if (digits === undefined || !Number.isSafeInteger(bytes)) throw new InvalidArgumentError("It must be a size such as 500, 64k, 10M or 1G.");
  return bytes;
}
