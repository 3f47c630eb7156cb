import type { Oracle } from "../oracle.js";

/** A commit that arrives twice is carried out once, and answered twice alike. */
export function exactlyOnce(): Oracle {
  return {
    id: "I9",
    onTwice(first, second, fail) {
      const [a, b] = [first, second].map((answer) => JSON.stringify(answer));
      if (a !== b) fail(`one commit was answered in two ways: ${a} and ${b}`);
    },
  };
}
