import { isTwinfoldError, type ReplicaStore } from "@twinfold/core";
import { createIdbReplicaStore } from "../src/index.js";
import { NODE, type TabCommand, WORKSPACE } from "./tab-command.js";

/* Another tab of the site, or a worker: does what it is told on the channel that has its name, and answers there. */
const channel = new BroadcastChannel(self.name);
let store: ReplicaStore | undefined;

async function obey({ action, storeName }: TabCommand): Promise<unknown> {
  switch (action) {
    case "open":
      store = await createIdbReplicaStore({ name: storeName });
      return "opened";
    case "write":
      await store?.write(WORKSPACE, { put: [{ nodeId: NODE, body: Uint8Array.of(1, 2, 3), dirty: true }] });
      return "written";
    case "read":
      return (await store?.rows(WORKSPACE, [NODE]))?.[0]?.body;
    case "close":
      await store?.close();
      return "closed";
  }
}

channel.addEventListener("message", ({ data }: MessageEvent<TabCommand>) => {
  void obey(data).then(
    (answer) => channel.postMessage(answer),
    (error: unknown) => channel.postMessage(isTwinfoldError(error) ? error.code : String(error)),
  );
});
channel.postMessage("ready");
