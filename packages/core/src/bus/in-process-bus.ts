import { TwinfoldError } from "../errors.js";
import type { WorkspaceId } from "../ids.js";
import type { Bus } from "./bus.js";

type Listener = (seq: number) => void;
type Handler = (workspaceId: WorkspaceId, payload: Uint8Array) => Promise<Uint8Array>;

/** The bus of a hub that runs in one process: requests are function calls, one at a time for each workspace. */
export function createInProcessBus(): Bus {
  const listeners = new Map<WorkspaceId, Set<Listener>>();
  const lastRequests = new Map<WorkspaceId, Promise<unknown>>();
  let handler: Handler | undefined;
  let closed = false;

  const mustBeOpen = (what: string): void => {
    if (closed) throw new TwinfoldError("ERR_CLOSED", `cannot ${what}: the bus is closed`);
  };

  const handle = async (workspaceId: WorkspaceId, payload: Uint8Array): Promise<Uint8Array> => {
    mustBeOpen(`handle a request for workspace ${workspaceId}`);
    if (handler === undefined) {
      throw new TwinfoldError("ERR_SERVER_FAILED", `nobody serves the requests of workspace ${workspaceId} now; try again later`);
    }
    return handler(workspaceId, payload);
  };

  return {
    publish(workspaceId, seq) {
      mustBeOpen(`publish for workspace ${workspaceId}`);
      for (const listener of [...(listeners.get(workspaceId) ?? [])]) {
        try {
          listener(seq);
        } catch {
          // A listener's failure is its own: the others must still be woken (BU4).
        }
      }
    },

    subscribe(workspaceId, listener) {
      mustBeOpen(`subscribe to workspace ${workspaceId}`);
      const own: Listener = (seq) => listener(seq);
      const all = listeners.get(workspaceId) ?? new Set<Listener>();
      listeners.set(workspaceId, all.add(own));
      return () => {
        all.delete(own);
        if (all.size === 0 && listeners.get(workspaceId) === all) listeners.delete(workspaceId);
      };
    },

    async request(workspaceId, payload) {
      mustBeOpen(`send a request for workspace ${workspaceId}`);
      const before = lastRequests.get(workspaceId);
      const answer = before === undefined ? handle(workspaceId, payload) : before.then(() => handle(workspaceId, payload));
      const settled = answer.then(
        () => {},
        () => {},
      );
      lastRequests.set(workspaceId, settled);
      try {
        return await answer;
      } finally {
        if (lastRequests.get(workspaceId) === settled) lastRequests.delete(workspaceId);
      }
    },

    serve(newHandler) {
      mustBeOpen("serve requests");
      if (handler !== undefined) throw new TwinfoldError("ERR_IN_USE", "the requests of this bus are served already; stop that handler first");
      handler = newHandler;
      return () => {
        if (handler === newHandler) handler = undefined;
      };
    },

    async close() {
      closed = true;
      listeners.clear();
      await Promise.all(lastRequests.values());
    },
  };
}
