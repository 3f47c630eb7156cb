import { describe, expect, it } from "vitest";
import { Turns } from "../../src/replica/turns.js";

describe("Turns", () => {
  it("let work through between two steps of who holds them, in the order asked, and all of it at the end", async () => {
    const turns = new Turns();
    const done: string[] = [];
    const ask = (name: string) =>
      turns.run(async () => {
        await Promise.resolve();
        done.push(name);
        return name;
      });
    expect(await ask("nobody holds them")).toBe("nobody holds them");
    turns.hold();
    const asked = [ask("first"), ask("second")];
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual(["nobody holds them"]);
    await turns.letThrough();
    expect(done.slice(1)).toEqual(["first", "second"]);
    const last = ask("last");
    await turns.release();
    expect(await Promise.all([...asked, last, ask("after")])).toEqual(["first", "second", "last", "after"]);
  });

  it("give a failure to who asked, and go on", async () => {
    const turns = new Turns();
    turns.hold();
    const failing = turns.run(() => Promise.reject(new Error("full")));
    const next = turns.run(async () => "done");
    failing.catch(() => {}); // looked at below
    await turns.release();
    await expect(failing).rejects.toThrow("full");
    expect(await next).toBe("done");
  });
});
