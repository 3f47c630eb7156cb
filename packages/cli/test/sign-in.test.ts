import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loggedIn, PASSWORD, signedUp, startServer, temporaryFolder, twinfold } from "./twinfold.js";

const EMAIL = "ada@example.com";

describe("signup and login", () => {
  it("leave the device logged in, with a token that only its owner can read", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    const { code, json } = await twinfold(["whoami", "--json"], { home });
    expect({ code, json }).toMatchObject({ code: 0, json: { server: url, email: EMAIL, deviceName: "laptop" } });

    const device = JSON.parse(await readFile(join(home, "device.json"), "utf8")) as Record<string, unknown>;
    expect(device).toMatchObject({ format: 1, server: url, email: EMAIL, deviceId: json.deviceId, deviceName: "laptop" });
    const token = (await readFile(join(home, "token"), "utf8")).trim();
    expect(token.length).toBeGreaterThan(20);
    expect(JSON.stringify([device, json])).not.toContain(token);
    for (const name of ["device.json", "token"]) expect((await stat(join(home, name))).mode & 0o777).toBe(0o600);
    expect((await readdir(home)).sort()).toEqual(["device.json", "token"]);
  });

  it("with a wrong password exits 1 with ERR_UNAUTHENTICATED, and changes nothing", async () => {
    const { url } = await startServer();
    await signedUp(url);
    const home = await temporaryFolder();
    const args = ["login", "--server", url, "--email", EMAIL, "--password-stdin", "--json"];
    const { code, json } = await twinfold(args, { home, input: "not the password\n" });
    expect({ code, json }).toMatchObject({ code: 1, json: { error: { code: "ERR_UNAUTHENTICATED" } } });
    expect(await readdir(home)).toEqual([]);
  });

  it("for an address that has an account already exits 1 with ERR_ALREADY_EXISTS", async () => {
    const { url } = await startServer();
    await signedUp(url);
    const args = ["signup", "--server", url, "--email", EMAIL, "--password-stdin", "--json"];
    const { code, json } = await twinfold(args, { home: await temporaryFolder(), input: PASSWORD });
    expect({ code, json }).toMatchObject({ code: 1, json: { error: { code: "ERR_ALREADY_EXISTS" } } });
  });

  it("at a server that is down exits 1 with ERR_UNREACHABLE", async () => {
    const { url, running } = await startServer();
    await running.stop();
    const args = ["login", "--server", url, "--email", EMAIL, "--password-stdin", "--json"];
    const { code, json } = await twinfold(args, { home: await temporaryFolder(), input: PASSWORD });
    expect({ code, json }).toMatchObject({ code: 1, json: { error: { code: "ERR_UNREACHABLE" } } });
  });

  it.each([
    ["an empty password", ["--password-stdin"], "\n"],
    ["neither a terminal nor --password-stdin", [], ""],
  ])("with %s exits 2", async (_, more, input) => {
    const { url } = await startServer();
    const { code, json } = await twinfold(["login", "--server", url, "--email", EMAIL, "--json", ...more], { home: await temporaryFolder(), input });
    expect({ code, json }).toMatchObject({ code: 2, json: { error: { code: "ERR_USAGE" } } });
  });

  it("again replaces the device's token and revokes the old one", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    const before = await twinfold(["whoami", "--json"], { home });
    const args = ["login", "--server", url, "--email", EMAIL, "--device", "renamed", "--password-stdin", "--json"];
    expect((await twinfold(args, { home, input: PASSWORD })).code).toBe(0);
    const { json } = await twinfold(["devices", "--json"], { home });
    expect(json.devices).toEqual([
      expect.objectContaining({ deviceId: before.json.deviceId, revokedAtMs: expect.any(Number), current: false }),
      expect.objectContaining({ name: "renamed", revokedAtMs: null, current: true }),
    ]);
  });

  it("as another account is refused while folders are linked", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    expect((await twinfold(["link", await temporaryFolder(), "--json"], { home })).code).toBe(0);
    const args = ["signup", "--server", url, "--email", "bob@example.com", "--password-stdin", "--json"];
    const { code, json } = await twinfold(args, { home, input: PASSWORD });
    expect({ code, json }).toMatchObject({ code: 1, json: { error: { code: "ERR_ALREADY_LINKED" } } });
  });
});

describe("logout", () => {
  it("revokes the token and forgets it", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    expect(await twinfold(["logout", "--json"], { home })).toMatchObject({ code: 0, json: { email: EMAIL, revoked: true } });
    expect(await readdir(home)).toEqual([]);
    expect(await twinfold(["whoami", "--json"], { home })).toMatchObject({ code: 1, json: { error: { code: "ERR_UNAUTHENTICATED" } } });
  });

  it("forgets the token also when the server is down, and says that it could not revoke it", async () => {
    const { url, running } = await startServer();
    const home = await signedUp(url);
    await running.stop();
    const { code, json, stderr } = await twinfold(["logout", "--json"], { home });
    expect({ code, json }).toMatchObject({ code: 0, json: { revoked: false } });
    expect(stderr).toContain("devices revoke");
    expect(await readdir(home)).toEqual([]);
  });
});

describe("a device that another one has revoked", () => {
  it("is told so with ERR_UNAUTHENTICATED, and can log in again", async () => {
    const { url } = await startServer();
    const [laptop, phone] = [await signedUp(url), await loggedIn(url)];
    const { json } = await twinfold(["whoami", "--json"], { home: phone });
    const revoked = await twinfold(["devices", "revoke", String(json.deviceId), "--json"], { home: laptop });
    expect(revoked).toMatchObject({ code: 0, json: { deviceId: json.deviceId, revoked: true } });

    for (const command of ["whoami", "workspaces", "devices"]) {
      expect(await twinfold([command, "--json"], { home: phone })).toMatchObject({ code: 1, json: { error: { code: "ERR_UNAUTHENTICATED" } } });
    }
    const args = ["login", "--server", url, "--email", EMAIL, "--password-stdin", "--json"];
    expect((await twinfold(args, { home: phone, input: PASSWORD })).code).toBe(0);
    expect((await twinfold(["whoami", "--json"], { home: phone })).code).toBe(0);
  });

  it("that does not exist cannot be revoked", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    const absent = await twinfold(["devices", "revoke", "0".repeat(32), "--json"], { home });
    expect(absent).toMatchObject({ code: 1, json: { error: { code: "ERR_NOT_FOUND" } } });
    const malformed = await twinfold(["devices", "revoke", "laptop", "--json"], { home });
    expect(malformed).toMatchObject({ code: 2, json: { error: { code: "ERR_USAGE" } } });
  });
});
