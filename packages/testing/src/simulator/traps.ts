import fs from "node:fs";
import fsPromises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";

type Trappable = Record<string, unknown>;

const TIMERS = ["setTimeout", "setInterval", "setImmediate"] as const;
/** Of `node:fs`; its promises and the names that modules imported are trapped with it. */
const FILE_CALLS = [
  ...[
    "open",
    "openSync",
    "readFile",
    "readFileSync",
    "writeFile",
    "writeFileSync",
    "readdir",
    "readdirSync",
    "stat",
    "statSync",
    "lstat",
    "lstatSync",
  ],
  ...["rename", "renameSync", "unlink", "unlinkSync", "rm", "rmSync", "rmdir", "mkdir", "mkdirSync", "link", "symlink", "realpath", "watch"],
];

/**
 * Makes the ambient clock, timers, randomness, network and disk throw, until the function that is given is called: whoever
 * reaches for them inside a simulated world is found at once. One world at a time.
 */
export function setTraps(): () => void {
  const undo: Array<() => void> = [];
  const trap = (target: object, name: string, called: string, put: unknown = thrower(called)): void => {
    const held = target as Trappable;
    const before = held[name];
    if (before === undefined) return;
    held[name] = put;
    undo.push(() => {
      held[name] = before;
    });
  };
  const ambientDate = Date;
  trap(
    globalThis,
    "Date",
    "",
    new Proxy(ambientDate, {
      construct: (target, args: unknown[]) => (args.length === 0 ? thrower("new Date()")() : (Reflect.construct(target, args) as object)),
      get: (target, name) => (name === "now" ? thrower("Date.now()") : (Reflect.get(target, name) as unknown)),
    }),
  );
  trap(Math, "random", "Math.random()");
  trap(performance, "now", "performance.now()");
  for (const name of TIMERS) trap(globalThis, name, `${name}()`);
  trap(globalThis, "fetch", "fetch()");
  for (const name of ["randomUUID", "getRandomValues"]) trap(globalThis.crypto, name, `crypto.${name}()`);
  trap(timersPromises, "setTimeout", "setTimeout() of node:timers/promises");
  for (const name of FILE_CALLS) {
    trap(fs, name, `${name}() of node:fs`);
    trap(fsPromises, name, `${name}() of node:fs/promises`);
  }
  syncBuiltinESMExports();
  return () => {
    for (const put of undo.reverse()) put();
    syncBuiltinESMExports();
  };
}

function thrower(called: string): () => never {
  return () => {
    throw new Error(
      `${called} was called in a simulated world, where time, chance, files and network come from the plan alone: use the Env that was given`,
    );
  };
}
