import { setFlagsFromString } from "node:v8";
import { TwinfoldError } from "@twinfold/core";
import { CommanderError } from "commander";
import type { Context } from "./context.js";
import { createOutput } from "./output/output.js";
import { createProgram } from "./program.js";

// V8 counts the buffers that pass through a socket as growth of the heap: a heap of 10 to 20 MB was marked anew for some 20 MiB of them, which was a quarter
// of what a server does under a large upload. Allowed three times what is live, a server collects a quarter as often, a device two thirds (measured, Node 20).
setFlagsFromString("--heap-growing-percent=200");

const args = process.argv.slice(2);
const options = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
const output = createOutput(options.includes("--json"), process);

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(name, () => {
    stop.abort(new TwinfoldError("ERR_CLOSED", `stopped by ${name} before it was done`));
    // The second one does not wait.
    process.once(name, () => process.exit(1));
  });
}

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on("error", () => process.exit(0));

const context: Context = {
  output,
  signal: stop.signal,
  stdin: process.stdin,
  stderr: process.stderr,
  device: async () => (await import("./device/device.js")).openDevice(process.env),
};

const program = createProgram(async (command) => {
  process.exitCode = (await command(context)) ?? 0;
});

try {
  await program.parseAsync(args, { from: "user" });
} catch (error) {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) failUsage(error);
  } else {
    output.failure(error);
    process.exitCode = error instanceof TwinfoldError && error.code === "ERR_USAGE" ? 2 : 1;
  }
}

function failUsage(error: CommanderError): void {
  const message = error.code === "commander.help" ? "no command was given" : error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
  const [named] = args.filter((arg) => program.commands.some((command) => command.name() === arg));
  const help = named === undefined ? "twinfold --help" : `twinfold ${named} --help`;
  output.failure(new TwinfoldError("ERR_USAGE", `${message}: see \`${help}\``));
  process.exitCode = 2;
}
