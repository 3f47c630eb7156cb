import { expect, it } from "vitest";
import { createTwins, describe as describeTree, type Device } from "./twins.js";

const MTIMES = { before1970: -1_000n, zero: 0n, in2038: 2n ** 31n * 1_000_000_000n, huge: 2n ** 62n - (2n ** 62n % 1_000n) } as const;

async function pair(): Promise<{ readonly laptop: Device; readonly phone: Device; readonly settle: () => Promise<void> }> {
  const twins = await createTwins(["laptop", "phone"]);
  const [laptop, phone] = twins.devices as [Device, Device];
  return { laptop, phone, settle: twins.settle };
}

async function setMtime(device: Device, path: string, mtimeNs: bigint): Promise<void> {
  const stat = await device.tree.stat(path as never);
  if (stat === undefined) throw new Error(`nothing at ${path}`);
  await device.tree.setAttributes(path as never, stat, { executable: stat.executable, mtimeNs });
}

function mtimeOf(device: Device, path: string): bigint | undefined {
  const entry = device.tree.files().get(path);
  return entry?.kind === "file" ? entry.mtimeNs : undefined;
}

it("inc-09-odd-times: a modification time before 1970, at 0, after 2038 or far off is kept, and is no change by itself", async () => {
  const { laptop, phone, settle } = await pair();
  for (const [name, mtimeNs] of Object.entries(MTIMES)) {
    laptop.tree.write(name, name);
    await setMtime(laptop, name, mtimeNs);
  }
  await settle();
  for (const [name, mtimeNs] of Object.entries(MTIMES)) expect(mtimeOf(phone, name), name).toBe(mtimeNs);

  for (const name of Object.keys(MTIMES)) await setMtime(phone, name, 0n);
  expect(await phone.sync()).toMatchObject({ inSync: true, filesUploaded: 0, conflicts: 0 });
  expect(await laptop.sync()).toMatchObject({ inSync: true, filesDownloaded: 0, conflicts: 0 });
});

it("carries exec bits, empty folders and symlinks that dangle, are absolute or lead in circles, and follows none", async () => {
  const { laptop, phone, settle } = await pair();
  laptop.tree.write("tool", "#!/bin/sh", { executable: true });
  laptop.tree.mkdir("empty/inside");
  laptop.tree.symlink("dangling", "nowhere");
  laptop.tree.symlink("absolute", "/etc/passwd");
  laptop.tree.symlink("up", "../..");
  laptop.tree.symlink("loop", "loop");
  laptop.tree.symlink("empty/parent", "..");
  await settle();
  expect(describeTree(phone.tree)).toBe(describeTree(laptop.tree));
  phone.tree.chmod("tool", false);
  await settle();
  expect(describeTree(laptop.tree)).toContain("tool: file");
});
