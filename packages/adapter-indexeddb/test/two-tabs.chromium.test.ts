import { afterEach, describe, expect, it } from "vitest";
import { createIdbReplicaStore } from "../src/index.js";
import { freshName } from "./fresh-name.js";
import { NODE, type TabCommand, WORKSPACE } from "./tab-command.js";

interface Tab {
  tell(action: TabCommand["action"], storeName: string): Promise<unknown>;
  /** Ends it in the middle of whatever it does, as a closed window or a crash does. */
  kill(): void;
}

const SCRIPT = new URL("./tab.ts", import.meta.url);
const open: Tab[] = [];

afterEach(() => {
  for (const tab of open.splice(0)) tab.kill();
});

async function openTab(kind: "window" | "worker"): Promise<Tab> {
  const channel = new BroadcastChannel(freshName());
  const answer = (): Promise<unknown> => new Promise((resolve) => channel.addEventListener("message", ({ data }) => resolve(data), { once: true }));
  const ready = answer();
  const end = kind === "window" ? openWindow(channel.name) : openWorker(channel.name);
  const tab: Tab = {
    tell(action, storeName) {
      const answered = answer();
      channel.postMessage({ action, storeName } satisfies TabCommand);
      return answered;
    },
    kill() {
      end();
      channel.close();
    },
  };
  open.push(tab);
  expect(await ready).toBe("ready");
  return tab;
}

function openWindow(name: string): () => void {
  const window = globalThis.open("about:blank", name);
  if (window === null) throw new Error("the browser opened no window");
  const script = window.document.createElement("script");
  script.type = "module";
  script.src = SCRIPT.href;
  window.document.head.append(script);
  return () => window.close();
}

function openWorker(name: string): () => void {
  const worker = new Worker(SCRIPT, { type: "module", name });
  return () => worker.terminate();
}

/** Resolves when nobody has the store open, as an app waits for its turn. */
async function untilFree(storeName: string): Promise<void> {
  await navigator.locks.request(`twinfold-replica:${storeName}`, async () => {});
}

describe.each(["window", "worker"] as const)("a replica's store and another %s of the site", (kind) => {
  it("is refused to the second until the first has closed it, and then has all rows", async () => {
    const name = freshName();
    const [first, second] = [await openTab(kind), await openTab(kind)];
    expect(await first.tell("open", name)).toBe("opened");
    expect(await first.tell("write", name)).toBe("written");
    expect(await second.tell("open", name)).toBe("ERR_IN_USE");
    await expect(createIdbReplicaStore({ name })).rejects.toMatchObject({ code: "ERR_IN_USE" });
    expect(await first.tell("close", name)).toBe("closed");
    expect(await second.tell("open", name)).toBe("opened");
    expect(await second.tell("read", name)).toEqual(Uint8Array.of(1, 2, 3));
    expect(await first.tell("open", name)).toBe("ERR_IN_USE");
  });

  it("is free when the one that had it open is gone without a word", async () => {
    const name = freshName();
    const tab = await openTab(kind);
    expect(await tab.tell("open", name)).toBe("opened");
    expect(await tab.tell("write", name)).toBe("written");
    tab.kill();
    await untilFree(name);
    const store = await createIdbReplicaStore({ name });
    expect(await store.rows(WORKSPACE, [NODE])).toEqual([{ nodeId: NODE, body: Uint8Array.of(1, 2, 3), dirty: true }]);
    await store.close();
  });
});
