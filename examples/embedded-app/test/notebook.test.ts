import { createNodeEnv } from "@twinfold/adapter-fs";
import { type AccountId, createHub, createMemoryBlobStore, createMemoryHubStore, type DeviceId, randomId } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { type Notebook, openNotebook } from "../src/notebook.js";

async function twoDevices(): Promise<readonly [Notebook, Notebook]> {
  const env = createNodeEnv();
  const hub = createHub({ blobs: createMemoryBlobStore(), store: createMemoryHubStore(), env });
  const accountId = randomId<AccountId>(env);
  const workspaceId = await hub.createWorkspace(accountId);
  const open = (deviceName: string) =>
    openNotebook(workspaceId, hub.session({ accountId, deviceId: randomId<DeviceId>(env), deviceName }), deviceName);
  return [await open("laptop"), await open("phone")];
}

function textOf(notebook: Notebook, path: string): string | undefined {
  const entry = notebook.pages.files().get(path);
  return entry?.kind === "file" ? new TextDecoder().decode(entry.bytes) : undefined;
}

describe("a notebook on two devices", () => {
  it("joins the lines that both have added, on both devices, without a copy", async () => {
    const [laptop, phone] = await twoDevices();
    laptop.pages.write("shopping.list", "bread\n");
    for (const device of [laptop, phone]) await device.sync();
    laptop.pages.write("shopping.list", "bread\nmilk\n");
    phone.pages.write("shopping.list", "bread\ntea\n");
    for (const device of [laptop, phone, laptop]) await device.sync();
    expect(textOf(laptop, "shopping.list")).toBe("bread\nmilk\ntea\n");
    expect(phone.pages.files()).toEqual(laptop.pages.files());
    expect(laptop.pages.files().size).toBe(1);
  });

  it("leaves what is not a list to the engine, which keeps both", async () => {
    const [laptop, phone] = await twoDevices();
    laptop.pages.write("letter.txt", "of the laptop");
    phone.pages.write("letter.txt", "of the phone");
    for (const device of [laptop, phone, laptop]) await device.sync();
    const texts = [...laptop.pages.files().keys()].map((path) => textOf(laptop, path));
    expect(texts.sort()).toEqual(["of the laptop", "of the phone"]);
  });

  it("tells the app what arrived", async () => {
    const [laptop, phone] = await twoDevices();
    laptop.pages.write("today.list", "call Ada\n");
    for (const device of [laptop, phone]) await device.sync();
    expect(laptop.log).toEqual(["saved today.list"]);
    expect(phone.log).toEqual(["received today.list"]);
  });
});
