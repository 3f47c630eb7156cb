import { describe, expect, it } from "vitest";
import { temporaryFolder, twinfold } from "./twinfold.js";

const WRONG_USES: ReadonlyArray<readonly string[]> = [
  [],
  ["frobnicate"],
  ["serve", "extra"],
  ["serve", "--listen", "nonsense"],
  ["signup"],
  ["login", "--server", "https://example.com"],
  ["login", "--email", "a@example.com", "--server"],
  ["login", "--server", "ftp://example.com", "--email", "a@example.com"],
  ["login", "--server", "http://example.com", "--email", "a@example.com", "--password-stdin"],
  ["logout", "extra"],
  ["whoami", "extra"],
  ["link"],
  ["link", "a", "b"],
  ["unlink"],
  ["workspaces", "extra"],
  ["sync", "--twice"],
  ["sync", "--once", "--limit-up", "fast"],
  ["limits", "extra"],
  ["limits", "--up", "1k"],
  ["pause", "--now"],
  ["resume", "--now"],
  ["status", "a", "b"],
  ["explain"],
  ["revisions"],
  ["revisions", "a", "--limit", "0"],
  ["revisions", "a", "--limit", "many"],
  ["restore", "a"],
  ["restore", "a", "--revision", "-1"],
  ["conflicts", "a", "b"],
  ["link", ""],
  ["free", ""],
  ["sync", "a", ""],
  ["devices", "extra"],
  ["devices", "revoke"],
];

/** After the command's name, so that an option that lacks its value does not take it for one. */
function withJson([command, ...rest]: readonly string[]): readonly string[] {
  return command === undefined ? ["--json"] : [command, "--json", ...rest];
}

describe("wrong usage", () => {
  it.each(WRONG_USES.map((args) => ({ args, shown: ["twinfold", ...args].join(" ") })))("$shown exits 2 and says why", async ({ args }) => {
    const home = await temporaryFolder();
    const plain = await twinfold(args, { home });
    expect(plain).toMatchObject({ code: 2, stdout: "" });
    expect(plain.stderr).toContain("ERR_USAGE");

    const json = await twinfold(withJson(args), { home });
    expect(json.code).toBe(2);
    expect(json.json).toEqual({ error: { code: "ERR_USAGE", message: expect.stringMatching(/./) } });
  });
});

describe("wrong usage of a command", () => {
  it.each([
    [["link", "a", "sync"], "twinfold link --help"],
    [["restore", "a"], "twinfold restore --help"],
    [["frobnicate"], "twinfold --help"],
  ])("%s names the help of that command", async (args, help) => {
    expect((await twinfold(args)).stderr).toContain(`see \`${help}\``);
  });
});

describe("help", () => {
  it("lists every command on stdout and exits 0", async () => {
    const { code, stdout } = await twinfold(["--help"]);
    expect(code).toBe(0);
    const commands =
      "serve signup login logout whoami link unlink workspaces sync limits pause resume status explain revisions restore conflicts resolve trash devices".split(
        " ",
      );
    for (const command of commands) expect(stdout).toContain(`  ${command} `);
  });

  it("is there for each command", async () => {
    const { code, stdout } = await twinfold(["sync", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("--dry-run");
  });

  it("tells the version", async () => {
    expect(await twinfold(["--version"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe("a device that nobody has logged in on", () => {
  it.each([["whoami"], ["workspaces"], ["devices"], ["logout"], ["link", "."]])("twinfold %s exits 1 with ERR_UNAUTHENTICATED", async (...args) => {
    const home = await temporaryFolder();
    const cwd = await temporaryFolder();
    const { code, json, stderr } = await twinfold([...args, "--json"], { home, cwd });
    expect(code).toBe(1);
    expect(json).toMatchObject({ error: { code: "ERR_UNAUTHENTICATED" } });
    expect(stderr).toContain("twinfold login");
  });

  it("has no links: status says so, sync fails", async () => {
    const home = await temporaryFolder();
    expect(await twinfold(["status", "--json"], { home })).toMatchObject({ code: 0, json: { running: false, links: [] } });
    expect(await twinfold(["sync", "--once", "--json"], { home })).toMatchObject({ code: 1, json: { error: { code: "ERR_NOT_FOUND" } } });
    expect(await twinfold(["explain", "x", "--json"], { home })).toMatchObject({ code: 1, json: { error: { code: "ERR_NOT_FOUND" } } });
  });
});
