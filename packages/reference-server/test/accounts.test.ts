import { createApiClient } from "@twinfold/transport-http";
import { describe, expect, it } from "vitest";
import { loggedIn, PASSWORD, signUp, startServer } from "./running-server.js";

describe("accounts and devices", () => {
  it("signs up, knows who is there, and logs in another device", async () => {
    const { url } = await startServer();
    const first = await signUp(url, " Ada@Example.org ");
    expect(first.account).toMatchObject({ email: "Ada@Example.org", plan: "unlimited" });
    const again = await createApiClient({ url }).logIn({ email: "ada@example.ORG", password: PASSWORD, deviceName: "phone" });
    const second = loggedIn(url, again);
    expect(again.account).toEqual(first.account);
    expect((await second.api.me()).device.name).toBe("phone");
    expect((await first.api.devices()).map(({ name }) => name)).toEqual(["laptop", "phone"]);
  });

  it("refuses a second account of an e-mail address", async () => {
    const { url } = await startServer();
    await signUp(url);
    await expect(signUp(url, "ADA@example.org")).rejects.toMatchObject({ code: "ERR_ALREADY_EXISTS" });
  });

  it("answers a wrong password and an unknown e-mail address alike", async () => {
    const { url } = await startServer();
    await signUp(url);
    const [wrong, unknown] = await Promise.allSettled(
      ["ada@example.org", "bob@example.org"].map((email) => createApiClient({ url }).logIn({ email, password: "not the password", deviceName: "x" })),
    );
    expect(wrong).toMatchObject({ status: "rejected", reason: { code: "ERR_UNAUTHENTICATED" } });
    expect({ ...wrong, reason: undefined }).toEqual({ ...unknown, reason: undefined });
    if (wrong?.status === "rejected" && unknown?.status === "rejected") expect(unknown.reason.problem).toEqual(wrong.reason.problem);
  });

  it("logs out by revoking the device, and keeps the others", async () => {
    const { url } = await startServer();
    const first = await signUp(url);
    const second = loggedIn(url, await createApiClient({ url }).logIn({ email: "ada@example.org", password: PASSWORD, deviceName: "phone" }));
    await first.api.logOut();
    await expect(first.api.me()).rejects.toMatchObject({ code: "ERR_UNAUTHENTICATED" });
    await expect(first.transport.hello()).rejects.toMatchObject({ code: "ERR_UNAUTHENTICATED" });
    expect((await second.api.devices())[0]?.revokedAtMs).toBeTypeOf("number");
  });

  it("revokes only the account's own devices", async () => {
    const { url } = await startServer();
    const ada = await signUp(url);
    const bob = await signUp(url, "bob@example.org");
    await expect(ada.api.revokeDevice(bob.device.deviceId)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    expect((await bob.api.me()).account.email).toBe("bob@example.org");
  });

  it("keeps accounts, devices and revocations over a restart", async () => {
    const { url, dataDir, close } = await startServer();
    const kept = await signUp(url);
    const revoked = loggedIn(url, await createApiClient({ url }).logIn({ email: "ada@example.org", password: PASSWORD, deviceName: "phone" }));
    await kept.api.revokeDevice(revoked.device.deviceId);
    await close();
    const again = await startServer({ dataDir });
    expect((await loggedIn(again.url, kept).api.me()).account).toEqual(kept.account);
    await expect(loggedIn(again.url, revoked).api.me()).rejects.toMatchObject({ code: "ERR_UNAUTHENTICATED" });
  });

  it("limits failed logins, and does not count those that succeed", async () => {
    const { url } = await startServer({ signInsPerMinute: 2 });
    await signUp(url);
    const logIn = (password: string) => createApiClient({ url }).logIn({ email: "ada@example.org", password, deviceName: "x" });
    for (let i = 0; i < 3; i++) await logIn(PASSWORD);
    for (let i = 0; i < 2; i++) await expect(logIn("not the password")).rejects.toMatchObject({ code: "ERR_UNAUTHENTICATED" });
    const refused = { code: "ERR_RATE_LIMITED", problem: { retryAfterSeconds: expect.any(Number) } };
    await expect(logIn(PASSWORD)).rejects.toMatchObject(refused);
  });

  it("takes no new accounts when its operator says so", async () => {
    const { url } = await startServer({ signUp: false });
    await expect(signUp(url)).rejects.toMatchObject({ code: "ERR_PERMISSION_DENIED" });
  });

  it("makes each workspace name once per account, and names the one that exists", async () => {
    const { url } = await startServer();
    const ada = await signUp(url);
    const bob = await signUp(url, "bob@example.org");
    const { workspaceId } = await ada.api.createWorkspace({ name: "Fotos 📷" });
    await expect(ada.api.createWorkspace({ name: "Fotos 📷" })).rejects.toMatchObject({ code: "ERR_ALREADY_EXISTS", problem: { workspaceId } });
    expect((await bob.api.createWorkspace({ name: "Fotos 📷" })).workspaceId).not.toBe(workspaceId);
    expect(await ada.api.workspaces()).toMatchObject([{ workspaceId, name: "Fotos 📷" }]);
  });

  it("makes one workspace when two devices ask at once", async () => {
    const { url } = await startServer();
    const { api } = await signUp(url);
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => api.createWorkspace({ name: "home" })));
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBe(1);
    const [only] = await api.workspaces();
    for (const outcome of outcomes) if (outcome.status === "rejected") expect(outcome.reason.problem.workspaceId).toBe(only?.workspaceId);
  });
});
