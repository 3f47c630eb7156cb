import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration } from "../src/output/format.js";
import { createOutput } from "../src/output/output.js";
import { formatTable, printable } from "../src/output/table.js";

describe("what people read", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1024 * 1024 - 1, "1.0 MiB"],
    [3 * 1024 ** 3, "3.0 GiB"],
  ])("shows %i bytes as %s", (count, shown) => expect(formatBytes(count)).toBe(shown));

  it.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [7_200_000, "2 h"],
    [90 * 86_400_000, "90 d"],
  ])("shows %i ms as %s", (ms, shown) => expect(formatDuration(ms)).toBe(shown));

  it("is in columns as wide as their longest cell", () => {
    expect(
      formatTable(
        ["A", "LONG"],
        [
          ["wider", "x"],
          ["y", ""],
        ],
      ),
    ).toBe("A      LONG\nwider  x\ny");
  });

  it("cannot move the cursor, whatever another device has named its files", () => {
    expect(printable("a\u001b[2Jb\r\nc\u009b")).toBe("a?[2Jb??c?");
  });
});

describe("what a command says on stdout", () => {
  it("comes in the order in which it was said, facts that were told at once in one write", async () => {
    const written: string[] = [];
    const stdout = { write: (text: string) => written.push(text) } as unknown as NodeJS.WritableStream;
    const output = createOutput(true, { stdout, stderr: stdout });
    const fact = (at: number): void => output.fact({ at }, undefined);
    for (const at of [1, 2]) fact(at);
    await Promise.resolve();
    expect(written.splice(0)).toEqual(['{"at":1}\n{"at":2}\n']);
    fact(3);
    output.answer({ at: 4 }, "");
    await Promise.resolve();
    expect(written.splice(0)).toEqual(['{"at":3}\n', '{"at":4}\n']);
  });
});
