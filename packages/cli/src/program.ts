import { Command, CommanderError, InvalidArgumentError } from "commander";
import packageJson from "../package.json" with { type: "json" };
import type { DoctorOptions } from "./commands/doctor.js";
import type { LimitsOptions } from "./commands/limits.js";
import type { LinkOptions } from "./commands/link.js";
import type { ResolveOptions } from "./commands/resolve.js";
import type { RestoreOptions } from "./commands/restore.js";
import type { RevisionsOptions } from "./commands/revisions.js";
import type { ServeOptions } from "./commands/serve.js";
import type { SyncOptions } from "./commands/sync.js";
import type { RestoreFromTrashOptions } from "./commands/trash.js";
import type { Context, ExitCode } from "./context.js";
import type { SignInOptions } from "./device/sign-in.js";

/** Runs a command that commander has parsed. Rejects with what the command throws. */
export type Run = (command: (context: Context) => Promise<ExitCode> | Promise<void>) => Promise<void>;

/**
 * All commands with their arguments and help. `--json` is read by the caller: usage errors are told in JSON too.
 *
 * Each loads what it needs when it is run: the engine and its database are most of what a short command would wait for, the server of `serve` is more.
 */
export function createProgram(run: Run): Command {
  const program = new Command("twinfold")
    .description("Keeps folders twins: on this device, on the server, and on every other device.")
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ writeErr: () => {} }) // told by the caller, once
    .hook("preAction", (_program, { args }) => {
      // An empty path would be the folder that one stands in: in a script it is a variable that was not set.
      if (args.includes("")) throw new CommanderError(2, "twinfold.emptyArgument", "an argument is empty: name a path, or leave it out");
    });

  const command = (usage: string, description: string, parent = program): Command =>
    parent.command(usage).description(description).option("--json", "one JSON document on stdout");

  command("serve", "serve workspaces from a folder of this machine")
    .option("--data <dir>", "where everything is kept")
    .option("--listen <host:port>", "where to accept connections (default: 127.0.0.1:4747)")
    .option("--blobs <url>", "where the bytes of files are kept: s3://bucket/prefix?endpoint=URL (default: in the data folder)")
    .option("--config <file>", "a JSON file with the same settings; options given here go before it")
    .option("--print-config", "print the settings in force, and do nothing")
    .action((options: ServeOptions) => run(async (context) => (await import("./commands/serve.js")).serve(context, options)));

  const signIn = (name: "signup" | "login", description: string): Command =>
    command(name, description)
      .requiredOption("--server <url>", "the server's address")
      .requiredOption("--email <address>", "the account's e-mail address")
      .option("--device <name>", "this device's name as others see it (default: the machine's name)")
      .option("--password-stdin", "read the password from stdin")
      .option("--insecure", "allow http:// to another machine: password and files travel unencrypted");
  signIn("signup", "make an account at a server, and log in").action((options: SignInOptions) =>
    run(async (context) => (await import("./commands/signup.js")).signup(context, options)),
  );
  signIn("login", "log this device in at a server").action((options: SignInOptions) =>
    run(async (context) => (await import("./commands/login.js")).login(context, options)),
  );
  command("logout", "log this device out; linked folders stay").action(() =>
    run(async (context) => (await import("./commands/logout.js")).logout(context)),
  );
  command("whoami", "show who is logged in on this device").action(() =>
    run(async (context) => (await import("./commands/whoami.js")).whoami(context)),
  );

  command("link <dir>", "make a folder the twin of a workspace")
    .option("--workspace <name>", "the workspace, created when there is none (default: the folder's name)")
    .option("--merge-text", "merge text that was changed on two devices, where the changes do not meet")
    .option("--only <pattern...>", "hold only what matches, in .gitignore's syntax, from the folder's root")
    .option("--on-demand", "let files come when they are asked for, with `get`")
    .option("--fetch-size <size>", "with --on-demand: files up to this size come at once, such as 64k (default: none)", parseSize)
    .option("--fetch <pattern...>", "with --on-demand: files that match come at once")
    .option("--all", "hold everything again")
    .action((dir: string, options: LinkOptions) => run(async (context) => (await import("./commands/link.js")).link(context, dir, options)));
  command("unlink <dir>", "end that; no file is touched").action((dir: string) =>
    run(async (context) => (await import("./commands/unlink.js")).unlink(context, dir)),
  );
  command("workspaces", "list the account's workspaces").action(() =>
    run(async (context) => (await import("./commands/workspaces.js")).workspaces(context)),
  );

  command("sync [dir...]", "keep linked folders and their workspaces the same, until stopped")
    .option("--once", "return when they agree")
    .option("--dry-run", "show what would be done, and do nothing")
    .option("--confirm", "say yes to removals that wait for it")
    .option("--limit-up <rate>", "send at most so many bytes per second, such as 500k or 1.5M; off for no limit (default: what `limits` keeps)")
    .option("--limit-down <rate>", "receive at most so many")
    .action((dirs: string[], options: SyncOptions) => run(async (context) => (await import("./commands/sync.js")).sync(context, dirs, options)));
  command("limits", "show or change what sync may use of the network, in bytes per second")
    .option("--up <rate>", "send at most so much, such as 500k or 1.5M; off for no limit")
    .option("--down <rate>", "receive at most so much")
    .action((options: LimitsOptions) => run(async (context) => (await import("./commands/limits.js")).limits(context, options)));
  command("pause [dir...]", "stop following linked folders").action((dirs: string[]) =>
    run(async (context) => (await import("./commands/pause.js")).pause(context, dirs)),
  );
  command("resume [dir...]", "follow them again").action((dirs: string[]) =>
    run(async (context) => (await import("./commands/resume.js")).resume(context, dirs)),
  );

  command("status [dir]", "show how linked folders stand").action((dir: string | undefined) =>
    run(async (context) => (await import("./commands/status.js")).status(context, dir)),
  );
  command("explain <path>", "say what is the matter with one file or folder").action((path: string) =>
    run(async (context) => (await import("./commands/explain.js")).explain(context, path)),
  );
  command("doctor [dir]", "check every hop: the disk, this device's database, its view of the server, the server's chunks")
    .option("--repair", "mend what can be proved; nothing is lost by it")
    .option("--deep", "fetch every chunk from the server too, and check its bytes")
    .action((dir: string | undefined, options: DoctorOptions) =>
      run(async (context) => (await import("./commands/doctor.js")).doctor(context, dir, options)),
    );
  command("get <path>", "bring a file that is not on this device, or all of them in a folder").action((path: string) =>
    run(async (context) => (await import("./commands/get.js")).get(context, path)),
  );
  command("free <path>", "let go of the local copy of a file or folder that the server has; `get` brings it back").action((path: string) =>
    run(async (context) => (await import("./commands/free.js")).free(context, path)),
  );
  command("revisions <path>", "list the kept revisions of a file, newest first")
    .option("--limit <count>", "at most so many", parseCount)
    .action((path: string, options: RevisionsOptions) =>
      run(async (context) => (await import("./commands/revisions.js")).revisions(context, path, options)),
    );
  command("restore <path>", "make an older revision of a file the newest one")
    .requiredOption("--revision <number>", "as listed by `revisions`", parseCount)
    .action((path: string, options: RestoreOptions) =>
      run(async (context) => (await import("./commands/restore.js")).restore(context, path, options)),
    );
  command("conflicts [dir]", "list files that were changed on two devices apart").action((dir: string | undefined) =>
    run(async (context) => (await import("./commands/conflicts.js")).conflicts(context, dir)),
  );
  command("resolve <path>", "settle the conflict of a file or of its copy")
    .requiredOption("--keep <which>", "mine, theirs, both, or a file whose content is to stand instead of both")
    .action((path: string, options: ResolveOptions) =>
      run(async (context) => (await import("./commands/resolve.js")).resolve(context, path, options)),
    );

  const trashCommand = program.command("trash").description("list what was replaced or deleted here, and bring it back");
  trashCommand
    .command("list [dir]", { isDefault: true })
    .description("list it, oldest first; it is kept for 30 days")
    .option("--json", "one JSON document on stdout")
    .action((dir: string | undefined) => run(async (context) => (await import("./commands/trash.js")).trash(context, dir)));
  command("restore <path>", "bring back the newest thing that was at a path", trashCommand)
    .option("--id <id>", "another one, by its id as listed with --json")
    .action((path: string, options: RestoreFromTrashOptions) =>
      run(async (context) => (await import("./commands/trash.js")).restoreFromTrash(context, path, options)),
    );

  const devicesCommand = program.command("devices").description("list and revoke the account's devices");
  devicesCommand
    .command("list", { isDefault: true })
    .description("list them")
    .option("--json", "one JSON document on stdout")
    .action(() => run(async (context) => (await import("./commands/devices.js")).devices(context)));
  command("revoke <id>", "log a device out for good", devicesCommand).action((id: string) =>
    run(async (context) => (await import("./commands/devices.js")).revokeDevice(context, id)),
  );
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
