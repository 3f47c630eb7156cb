import { isTwinfoldError, type TwinfoldErrorCode } from "@twinfold/core";

/* Plain throws, so that suites run in any test framework, and in browsers. */

export function assertTrue(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`expected: ${what}`);
}

/** Compares by value: arrays, plain objects, byte arrays, maps and sets too. A field that is `undefined` equals an absent one. */
export function assertEqual(actual: unknown, expected: unknown, what = "value"): void {
  if (!isEqual(actual, expected)) throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

export function assertBytes(actual: Uint8Array | undefined, expected: Uint8Array, what = "bytes"): void {
  assertEqual(actual, expected, what);
}

/** What `promise` rejects with. Throws when it resolves. */
export function rejectionOf(promise: Promise<unknown>, otherwise = "expected a rejection, but the promise resolved"): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error(otherwise);
    },
    (error: unknown) => error,
  );
}

/** Checks that `promise` rejects with a TwinfoldError of that code. */
export async function assertRejects(promise: Promise<unknown>, code: TwinfoldErrorCode, what = "call"): Promise<void> {
  const error = await rejectionOf(promise, `${what}: expected ${code}, but it resolved`);
  if (isTwinfoldError(error) && error.code === code) return;
  throw new Error(`${what}: expected ${code}, got ${show(error)}`, { cause: error });
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i]);
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => isEqual(item, b[i]));
  }
  if (a instanceof Set || b instanceof Set) {
    return a instanceof Set && b instanceof Set && a.size === b.size && [...a].every((item) => b.has(item));
  }
  if (a instanceof Map || b instanceof Map) {
    return a instanceof Map && b instanceof Map && a.size === b.size && [...a].every(([key, item]) => b.has(key) && isEqual(item, b.get(key)));
  }
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isEqual(Reflect.get(a, name), Reflect.get(b, name)));
}

function show(value: unknown): string {
  if (value instanceof Error) return String(value);
  const text = JSON.stringify(value, (_name, item: unknown) => {
    if (item instanceof Uint8Array) return `bytes(${[...item.subarray(0, 40)].join(" ")}${item.length > 40 ? " …" : ""})`;
    if (item instanceof Set || item instanceof Map) return [...item];
    if (typeof item === "bigint") return `${item}n`;
    return item === undefined ? "undefined" : item;
  });
  return text === undefined ? String(value) : text.slice(0, 2_000);
}
