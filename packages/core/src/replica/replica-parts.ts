import type { Env } from "../env.js";
import type { WorkspaceId } from "../ids.js";
import type { LocalTree } from "../local/local-tree.js";
import type { Transport } from "../transport/transport.js";
import type { HubLink } from "./hub-link.js";
import type { Intents } from "./intents.js";
import type { Presence } from "./presence.js";
import type { ConflictResolver } from "./replica.js";
import type { Scope } from "./scope.js";
import type { Trees } from "./trees.js";
import type { Unverified } from "./unverified.js";

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
