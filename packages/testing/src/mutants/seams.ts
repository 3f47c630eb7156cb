import type { FsLocalTreeOptions } from "@twinfold/adapter-fs";
import type { BlobStore, FileSystem, Hub, HubOptions, HubStore, LocalTree, OpenFile, ReplicaOptions, ReplicaStore, Transport } from "@twinfold/core";
import type { Sut } from "../simulator/sut.js";

/** `target` with some of its methods replaced. */
export function except<Target extends object>(target: Target, replaced: Partial<Target>): Target {
  return new Proxy(target, {
    get(_target, name) {
      if (name in replaced) return Reflect.get(replaced, name) as unknown;
      const found: unknown = Reflect.get(target, name);
      return typeof found === "function" ? (found.bind(target) as unknown) : found;
    },
  });
}

export function onHub(sut: Sut, change: (options: HubOptions) => Partial<HubOptions>): Sut {
  return { ...sut, createHub: (options) => sut.createHub({ ...options, ...change(options) }) };
}

export function onHubStore(sut: Sut, change: (store: HubStore) => Partial<HubStore>): Sut {
  return onHub(sut, ({ store }) => ({ store: except(store, change(store)) }));
}

export function onBlobs(sut: Sut, change: (blobs: BlobStore) => Partial<BlobStore>): Sut {
  return onHub(sut, ({ blobs }) => ({ blobs: except(blobs, change(blobs)) }));
}

/** The hub's end of each device's transport, behind the network. */
export function onHubEnd(sut: Sut, change: (transport: Transport, store: HubStore) => Partial<Transport>): Sut {
  const stores = new WeakMap<Hub, HubStore>();
  return {
    ...sut,
    createHub(options) {
      const hub = sut.createHub(options);
      stores.set(hub, options.store);
      return hub;
    },
    createTransport(hub, principal) {
      const transport = sut.createTransport(hub, principal);
      return except(transport, change(transport, stores.get(hub) as HubStore));
    },
  };
}

export function onReplica(sut: Sut, change: (options: ReplicaOptions) => Partial<ReplicaOptions>): Sut {
  return { ...sut, createReplica: (options) => sut.createReplica({ ...options, ...change(options) }) };
}

export function onReplicaStore(sut: Sut, change: (store: ReplicaStore, device: string) => Partial<ReplicaStore>): Sut {
  return onReplica(sut, ({ store, deviceName = "" }) => ({ store: except(store, change(store, deviceName)) }));
}

export function onTree(sut: Sut, change: (tree: LocalTree) => Partial<LocalTree>): Sut {
  return {
    ...sut,
    createTree(options) {
      const tree = sut.createTree(options);
      return except(tree, change(tree));
    },
  };
}

export function onTreeOptions(sut: Sut, change: (options: FsLocalTreeOptions) => Partial<FsLocalTreeOptions>): Sut {
  return { ...sut, createTree: (options) => sut.createTree({ ...options, ...change(options) }) };
}

/** The disk under the tree. */
export function onFileSystem(sut: Sut, change: (fileSystem: FileSystem) => Partial<FileSystem>): Sut {
  return onTreeOptions(sut, ({ fileSystem }) => {
    if (fileSystem === undefined) throw new Error("a mutant of the disk needs the disk that it wraps");
    return { fileSystem: except(fileSystem, change(fileSystem)) };
  });
}

/** Each file that the tree opens on the disk. */
export function onOpenFile(sut: Sut, change: (file: OpenFile) => Partial<OpenFile>): Sut {
  return onFileSystem(sut, (fileSystem) => ({
    async open(path, mode) {
      const file = await fileSystem.open(path, mode);
      return except(file, change(file));
    },
  }));
}
