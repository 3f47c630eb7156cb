import { type Transport, TwinfoldError } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, texts, type Twins } from "./twins.js";

const FILES = ["a.txt", "b.txt", "c.txt"];

/** Loses the answers of `count` calls from the one of that number on, counted over all devices: what was asked for is done. */
function losing(first: number, count: number) {
  let calls = 0;
  const wrap = (transport: Transport): Transport => {
    const lossy = { ...transport };
    for (const name of ["changes", "heads", "missing", "upload", "commit"] as const) {
      const call = transport[name] as (...args: unknown[]) => Promise<unknown>;
      Object.assign(lossy, {
        [name]: async (...args: unknown[]) => {
          const answer = await call(...args);
          const at = calls++;
          if (at >= first && at < first + count) throw new TwinfoldError("ERR_UNREACHABLE", `the answer to ${name} was lost`);
          return answer;
        },
      });
    }
    return lossy;
  };
  return { wrap, happened: () => calls > first };
}

/** Makes `to` a copy of `from` in all that is durable, as a disk image is. */
async function copyDevice({ workspaceId }: Twins, from: Device, to: Device): Promise<void> {
  for (const [path, text] of Object.entries(texts(from.tree))) to.tree.write(path, text);
  const put = await from.store.page(workspaceId, undefined, 1_000);
  const manifests = [];
  for (const manifestId of put.flatMap(({ local }) => local?.manifestId ?? [])) {
    const [body] = await from.store.manifests(workspaceId, [manifestId]);
    if (body !== undefined) manifests.push({ manifestId, body });
  }
  await to.store.write(workspaceId, { put, manifests, state: await from.store.state(workspaceId), outboxPut: await from.store.outbox(workspaceId) });
  await to.restart();
}

/** What each of the two does before it knows of the other, and the texts of all files that are to be left. */
const WORK: Readonly<Record<string, { readonly act: (device: Device) => void; readonly texts: readonly string[] }>> = {
  "make files": {
    act: ({ name, tree }) => {
      for (const at of [1, 2]) tree.write(`${at} of the ${name}.txt`, `${at} of the ${name}`);
    },
    texts: ["1 of the clone", "1 of the laptop", "2 of the clone", "2 of the laptop", ...FILES],
  },
  "edit, rename and make files": {
    act: ({ name, tree }) => {
      tree.write("a.txt", `a of the ${name}`);
      tree.write(`new on the ${name}.txt`, `new on the ${name}`);
      if (name === "laptop") tree.write("b.txt", "b of the laptop");
      else tree.rename("c.txt", "renamed.txt");
    },
    texts: ["a of the clone", "a of the laptop", "b of the laptop", "c.txt", "new on the clone", "new on the laptop"],
  },
};

async function bothWork(act: (device: Device) => void, first: number, count: number) {
  const loss = losing(first, count);
  const twins = await createTwins(["laptop", "clone"], { wrapTransport: loss.wrap });
  const [laptop, clone] = twins.devices as [Device, Device];
  for (const path of FILES) laptop.tree.write(path, path);
  while (!(await isDone(laptop)));
  await copyDevice(twins, laptop, clone);
  for (const device of [laptop, clone]) act(device);
  for (let quiet = 0; quiet < 2; ) {
    const done = [await isDone(laptop), await isDone(clone)];
    quiet = done.every(Boolean) ? quiet + 1 : 0;
  }
  return { happened: loss.happened(), laptop, clone };
}

async function isDone(device: Device): Promise<boolean> {
  try {
    return (await device.sync()).inSync;
  } catch (error) {
    if ((error as TwinfoldError).code !== "ERR_UNREACHABLE") throw error;
    return false;
  }
}

describe.each(Object.entries(WORK))("two devices with one replica id that both %s", (_, { act, texts: left }) => {
  it.each([1, 2])("lose nothing and come into step, whichever %i answers in a row are lost", async (count) => {
    for (let first = 0, goesOn = true; goesOn; first++) {
      const { happened, laptop, clone } = await bothWork(act, first, count);
      const files = texts(laptop.tree);
      expect(files, `answers lost from ${first} on`).toEqual(texts(clone.tree));
      expect(Object.values(files).sort(), `answers lost from ${first} on`).toEqual(left);
      goesOn = happened;
    }
  });
});
