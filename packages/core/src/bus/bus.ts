import type { WorkspaceId } from "../ids.js";

/**
 * Wake-ups between the processes of a hub, and the queue through which commits reach their worker.
 *
 * - BU1 `publish` reaches every listener of that workspace at least once, or not at all: a lost wake-up costs time, never a change.
 * - BU2 `request` gives the handler's answer, or rejects with its error. Requests of one workspace are handled one after another, in order of arrival.
 * - BU3 Requests of different workspaces do not wait for each other.
 * - BU4 A listener or handler that throws stops no other.
 * - BU5 After `close` every call is refused with `ERR_CLOSED`, and so are the requests that wait; `close` resolves when those under way have ended.
 */
export interface Bus {
  /** Says that `workspaceId` has reached `seq`; one that it had reached before, that something beside its journal has moved. Carries no content. */
  publish(workspaceId: WorkspaceId, seq: number): void;
  subscribe(workspaceId: WorkspaceId, listener: (seq: number) => void): Unsubscribe;
  request(workspaceId: WorkspaceId, payload: Uint8Array): Promise<Uint8Array>;
  /** Handles the requests of all workspaces. */
  serve(handler: (workspaceId: WorkspaceId, payload: Uint8Array) => Promise<Uint8Array>): Unsubscribe;
  close(): Promise<void>;
}

export type Unsubscribe = () => void;
