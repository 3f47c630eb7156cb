import { describe, expect, it } from "vitest";
import { createEvents } from "../src/index.js";

type Facts = { "file:placed": { readonly name: string }; "pass:ended": { readonly files: number } };

describe("createEvents", () => {
  it("tells every listener of a name, in the order in which they came, and no other", () => {
    const { source, emit } = createEvents<Facts>();
    const heard: string[] = [];
    source.on("file:placed", ({ name }) => heard.push(`first ${name}`));
    source.on("file:placed", ({ name }) => heard.push(`second ${name}`));
    source.on("pass:ended", () => heard.push("other"));
    emit("file:placed", { name: "a" });
    expect(heard).toEqual(["first a", "second a"]);
  });

  it("lets a listener that throws stop neither its siblings nor the one who emits, and reports what it threw", () => {
    const reported: unknown[] = [];
    const { source, emit } = createEvents<Facts>((error) => reported.push(error));
    const heard: string[] = [];
    const thrown = new Error("from a listener");
    source.on("file:placed", () => {
      throw thrown;
    });
    source.on("file:placed", ({ name }) => heard.push(name));
    emit("file:placed", { name: "a" });
    emit("file:placed", { name: "b" });
    expect(heard).toEqual(["a", "b"]);
    expect(reported).toEqual([thrown, thrown]);
  });

  it("goes on when what reports errors throws too", () => {
    const { source, emit } = createEvents<Facts>(() => {
      throw new Error("from the reporter");
    });
    const heard: string[] = [];
    source.on("file:placed", () => {
      throw new Error("from a listener");
    });
    source.on("file:placed", ({ name }) => heard.push(name));
    emit("file:placed", { name: "a" });
    expect(heard).toEqual(["a"]);
  });

  it("ends one subscription at a time, also of a listener that is there twice, and also while it is told", () => {
    const { source, emit } = createEvents<Facts>();
    const heard: number[] = [];
    const listener = ({ files }: Facts["pass:ended"]): void => void heard.push(files);
    const endFirst = source.on("pass:ended", listener);
    const endSecond = source.on("pass:ended", listener);
    emit("pass:ended", { files: 1 });
    endFirst();
    endFirst();
    emit("pass:ended", { files: 2 });
    endSecond();
    const endSelf = source.on("pass:ended", () => endSelf());
    source.on("pass:ended", listener);
    emit("pass:ended", { files: 3 });
    expect(heard).toEqual([1, 1, 2, 3]);
  });
});
