import { expect, it } from "vitest";
import { createTwins, describe as describeTree, type Device } from "./twins.js";

it("fetches group after group of small files into the same two rooms: one is filled while the files of the other are put in place", async () => {
  const rooms: Array<ArrayBufferLike | undefined> = [];
  const twins = await createTwins(["laptop", "phone"], {
    wrapTransport: (transport) => ({
      ...transport,
      download(request, options) {
        rooms.push(options?.into?.buffer);
        return transport.download(request, options);
      },
    }),
  });
  const [laptop, phone] = twins.devices as [Device, Device];
  // Four groups of 256, each of more than the 256 KiB below which a room is not kept.
  for (let number = 0; number < 1_024; number++) laptop.tree.write(`folder/${number}`, `${number} `.repeat(400));
  await laptop.sync();

  expect(await phone.sync()).toMatchObject({ inSync: true, filesDownloaded: 1_024 });

  expect(describeTree(phone.tree)).toBe(describeTree(laptop.tree));
  expect(rooms).toHaveLength(4);
  expect(new Set(rooms).size).toBe(2);
});
