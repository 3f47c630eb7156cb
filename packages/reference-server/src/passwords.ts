import { hash, verify } from "@node-rs/argon2";
import { TwinfoldError } from "@twinfold/core";

/** The OWASP minimum: 19 MiB, two passes, one lane. The library's default algorithm is argon2id. */
const PARAMETERS = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

/** Hashes at once: the disk's work shares the four threads. */
const MAX_AT_ONCE = 2;
/** Beyond this a sign-in would wait for seconds. */
const MAX_WAITING = 64;

export interface Passwords {
  /** In PHC string format. */
  hash(password: string): Promise<string>;
  /** Takes as long without a hash as with one, so that nobody learns from the time who has an account. */
  verify(passwordHash: string | undefined, password: string): Promise<boolean>;
}

export async function createPasswords(): Promise<Passwords> {
  const nobody = await hash("nobody's", PARAMETERS);
  const waiting: Array<() => void> = [];
  let running = 0;

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= MAX_AT_ONCE) {
      if (waiting.length >= MAX_WAITING)
        throw new TwinfoldError("ERR_RATE_LIMITED", "too many people are signing in just now: try again in a minute");
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next(); // takes this one's place
    }
  }

  return {
    hash: (password) => inTurn(() => hash(password, PARAMETERS)),
    async verify(passwordHash, password) {
      const matches = await inTurn(() => verify(passwordHash ?? nobody, password));
      return matches && passwordHash !== undefined;
    },
  };
}
