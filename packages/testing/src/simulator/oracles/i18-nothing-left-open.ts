import type { Oracle } from "../oracle.js";

/** At rest, four days later, nothing is held: no open file, no watch, no staging file, no commit in flight, no request that waits at the hub, no timer. */
export function nothingLeftOpen(): Oracle {
  return {
    id: "I18",
    onRest({ devices, hub, timers, hadSetback }, fail) {
      for (const { name, held } of devices) {
        for (const [what, count] of Object.entries(held)) {
          // Who became another's copy may have its downloads, of a clock that is years ahead.
          if (count > 0 && !(what === "staging files" && hadSetback)) fail(`${count} ${what} are left on ${name}`);
        }
      }
      const waiting = hub.process?.counters.waiting ?? 0;
      if (waiting > 0) fail(`${waiting} requests wait at the hub, and nobody follows`);
      if (timers > 0) fail(`${timers} timers are still to go off`);
    },
  };
}
