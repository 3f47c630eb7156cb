import type { Env } from "../env.js";
import type { WorkspaceId } from "../ids.js";
import type { LocalTree } from "../local/local-tree.js";
import type { Transport } from "../transport/transport.js";
import type { HubLink } from "./hub-link.js";
import type { Intents } from "./disk/intents.js";
import type { Presence } from "./scope/presence.js";
import type { ConflictResolver } from "./replica.js";
import type { Scope } from "./scope/scope.js";
import type { Trees } from "./trees/trees.js";
import type { Unverified } from "./disk/unverified.js";

/** What a replica is made of; each of its workers takes what it needs. */
export interface ReplicaParts {
  readonly workspaceId: WorkspaceId;
  readonly trees: Trees;
  readonly tree: LocalTree;
  readonly transport: Transport;
  readonly env: Env;
  readonly link: HubLink;
  readonly deviceName: string;
  readonly settleMs: number;
  readonly rescanMs: number;
  readonly draftFromBytes: number;
  readonly resolve: ConflictResolver | undefined;
  readonly scope: Scope;
  readonly presence: Presence;
  readonly intents: Intents;
  readonly unverified: Unverified;
}
