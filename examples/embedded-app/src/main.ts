import { createNodeEnv } from "@twinfold/adapter-fs";
import { type AccountId, createHub, createMemoryBlobStore, createMemoryHubStore, type DeviceId, randomId } from "@twinfold/core";
import { openNotebook } from "./notebook.js";

const env = createNodeEnv();
const hub = createHub({ blobs: createMemoryBlobStore(), store: createMemoryHubStore(), env });
const accountId = randomId<AccountId>(env);
const workspaceId = await hub.createWorkspace(accountId);
const open = (deviceName: string) => {
  const transport = hub.session({ accountId, deviceId: randomId<DeviceId>(env), deviceName });
  return openNotebook(workspaceId, transport, deviceName);
};
const [laptop, phone] = [await open("laptop"), await open("phone")];

laptop.pages.write("shopping.list", "bread\n");
for (const device of [laptop, phone]) await device.sync();
laptop.pages.write("shopping.list", "bread\nmilk\n");
phone.pages.write("shopping.list", "bread\ntea\n");
for (const device of [laptop, phone, laptop]) await device.sync();

for (const line of phone.log) console.log(`phone: ${line}`);
const page = laptop.pages.files().get("shopping.list");
console.log(page?.kind === "file" ? new TextDecoder().decode(page.bytes) : "the page is gone");
for (const device of [laptop, phone]) await device.close();
await hub.close();
