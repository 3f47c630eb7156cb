import type { Oracle } from "../oracle.js";

/** What the engine takes away from people goes to the trash. */
export function nothingUnlinked(): Oracle {
  return { id: "I15", onUnlink: (what, fail) => fail(`${what}, where only the trash may take it`) };
}
