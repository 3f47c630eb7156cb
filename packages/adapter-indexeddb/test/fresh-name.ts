let count = 0;

/** The name of a store that no other test has, in this run or an earlier one. */
export function freshName(): string {
  return `${crypto.randomUUID()}-${++count}`;
}
