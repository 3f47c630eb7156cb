import type { Oracle } from "../oracle.js";

/** At rest, four days later, nothing is held: no open file, no watch, no staging file, no commit in flight, no request that waits at the hub, no timer. */
export function nothingLeftOpen(): Oracle {
  return {
    id: "I18",
    onRest({ devices, hub, timers }, fail) {
      for (const { name, held } of devices) {
        for (const [what, count] of Object.entries(held)) if (count > 0) fail(`${count} ${what} are left on ${name}`);
      }
      const waiting = hub.process?.counters.waiting ?? 0;
      if (waiting > 0) fail(`${waiting} requests wait at the hub, and nobody follows`);
      if (timers > 0) fail(`${timers} timers are still to go off`);
    },
  };
}
