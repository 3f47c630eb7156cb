import { createFsLocalTree, type FsLocalTreeOptions } from "@twinfold/adapter-fs";
import {
  createHub,
  createLoopbackTransport,
  createReplica,
  type Hub,
  type HubOptions,
  type LocalTree,
  type Principal,
  type Replica,
  type ReplicaOptions,
  type Transport,
} from "@twinfold/core";

/**
 * The system under test: how each part is made. The default is what ships. Somebody else's part, or a wrapper that does something
 * wrong on purpose, goes in here: `{ ...shippedSut, createTransport: … }`.
 *
 * What a part is given (stores, a file system, transports, an Env) is the world's: it must reach for nothing else.
 */
export interface Sut {
  createHub(options: HubOptions): Hub;
  createReplica(options: ReplicaOptions): Promise<Replica>;
  createTree(options: FsLocalTreeOptions): LocalTree;
  createTransport(hub: Hub, principal: Principal): Transport;
}

export const shippedSut: Sut = { createHub, createReplica, createTree: createFsLocalTree, createTransport: createLoopbackTransport };
