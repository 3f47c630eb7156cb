import type { Oracle } from "../oracle.js";

/** At rest no file is open. */
export function nothingLeftOpen(): Oracle {
  return {
    id: "I18",
    onRest({ devices }, fail) {
      for (const { name, openFiles } of devices) if (openFiles > 0) fail(`${openFiles} files are open on ${name}`);
    },
  };
}
