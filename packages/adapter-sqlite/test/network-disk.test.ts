import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { mustBeOnLocalDisk } from "../src/network-disk.js";

const on = (type: number, platform: NodeJS.Platform = "linux") =>
  mustBeOnLocalDisk("/data/hub.db", "the server's database", { platform, statfs: () => type });

describe("a database", () => {
  it.each([
    [0x6969, "NFS"],
    [0xff534d42, "CIFS"],
    [0xfe534d42, "SMB 2"],
  ])("inc-45 is refused on a disk of type %s, which is another machine's", (type, name) => {
    expect(() => on(type)).toThrow(expect.objectContaining({ code: "ERR_STORE_FAILED", message: expect.stringContaining(`network disk (${name})`) }));
  });

  it("is opened on a disk of this machine, and where the type means something else", () => {
    expect(() => on(0xef53)).not.toThrow();
    expect(() => on(0x6969, "darwin")).not.toThrow();
  });

  it("is asked for with the type that the system gives, and a folder that is not there is nobody's", () => {
    expect(() => mustBeOnLocalDisk(`${tmpdir()}/hub.db`, "the database")).not.toThrow();
    expect(statfsSync(tmpdir()).type).toBeGreaterThan(0);
    expect(() => mustBeOnLocalDisk("/nowhere/at/all/hub.db", "the database")).not.toThrow();
  });
});
