import { save, type SimInode } from "./sim-inode.js";
import { saveAll } from "./sim-image.js";
import type { SimVolume } from "./sim-volume.js";

/** A file that a person's program keeps open: it writes there, whatever becomes of the name. */
export interface SimHeldFile {
  write(bytes: Uint8Array | string, position: number): void;
  append(bytes: Uint8Array | string): void;
  truncate(sizeBytes: number): void;
}

/**
 * What a person's programs do: at once, and not durable before `sync`. Paths are absolute; what has a path to be made is given its
 * directories too. Errors are Node's.
 */
export interface SimEditor {
  /** Makes the file, or cuts the one that is there to nothing and writes it again. */
  write(path: string, content: Uint8Array | string): void;
  writeInPlace(path: string, position: number, bytes: Uint8Array | string): void;
  append(path: string, bytes: Uint8Array | string): void;
  truncate(path: string, sizeBytes: number): void;
  /** As editors save: a temporary file beside it, an fsync, a rename. */
  atomicSave(path: string, content: Uint8Array | string): void;
  /** A file in `directory` whose name is not UTF-8. */
  writeRaw(directory: string, name: Uint8Array, content: Uint8Array | string): void;
  mkdir(path: string): void;
  symlink(path: string, target: string): void;
  link(existing: string, path: string): void;
  rename(from: string, to: string): void;
  /** With everything inside. */
  copy(from: string, to: string): void;
  /** With everything inside. */
  rm(path: string): void;
  chmod(path: string, mode: number): void;
  /** Sets the mtime; without one, to now. */
  touch(path: string, mtimeNs?: bigint): void;
  holdOpen(path: string): SimHeldFile;
  read(path: string): Uint8Array;
  exists(path: string): boolean;
  /** What is at `path`, all inside it, and the names on the way to it are durable afterwards; with nothing there, that it is gone. */
  fsync(path: string): void;
  /** Everything on the disk is durable afterwards. */
  sync(): void;
}

const encoder = new TextEncoder();

export function createEditor(volume: SimVolume): SimEditor {
  const bytesFor = (content: Uint8Array | string): Uint8Array => (typeof content === "string" ? encoder.encode(content) : content);
  const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf("/")));

  function exists(path: string): boolean {
    try {
      volume.find(path, "stat");
      return true;
    } catch {
      return false;
    }
  }

  function mkdir(path: string): void {
    if (exists(path)) return;
    mkdir(parentOf(path));
    volume.create(path, "mkdir", "directory", 0o755);
  }

  function fileAt(path: string): SimInode {
    if (exists(path)) return volume.find(path, "open");
    mkdir(parentOf(path));
    return volume.create(path, "open", "file", 0o644);
  }

  function held(inode: SimInode, path: string): SimHeldFile {
    return {
      write: (bytes, position) => volume.write(inode, bytesFor(bytes), position, path),
      append: (bytes) => volume.write(inode, bytesFor(bytes), inode.sizeBytes, path),
      truncate: (sizeBytes) => volume.truncate(inode, sizeBytes, path),
    };
  }

  function write(path: string, content: Uint8Array | string): void {
    const file = held(fileAt(path), path);
    file.truncate(0);
    file.write(content, 0);
  }

  function rm(path: string): void {
    if (volume.find(path, "rm").kind !== "directory") {
      volume.unlink(path);
      return;
    }
    for (const { name } of [...volume.findDirectory(path, "rm").entries.values()]) rm(`${path}/${name}`);
    volume.rmdir(path);
  }

  function copy(from: string, to: string): void {
    const { kind, target, mode } = volume.find(from, "copy");
    if (kind === "symlink") volume.create(to, "symlink", "symlink", 0o777, target);
    else if (kind === "file") {
      write(to, volume.read(volume.find(from, "copy")));
      volume.setAttributes(volume.find(to, "copy"), { mode });
    } else {
      const names = [...volume.findDirectory(from, "copy").entries.values()];
      mkdir(to);
      for (const { name } of names) copy(`${from}/${name}`, `${to}/${name}`);
    }
  }

  function saveAllAt(path: string): void {
    const inode = volume.find(path, "fsync");
    if (inode.kind === "file") save(inode);
    if (inode.kind !== "directory") return;
    volume.syncDirectory(inode);
    for (const { name } of inode.entries.values()) saveAllAt(`${path}/${name}`);
  }

  return {
    write,
    writeInPlace: (path, position, bytes) => held(volume.find(path, "open"), path).write(bytes, position),
    append: (path, bytes) => held(fileAt(path), path).append(bytes),
    truncate: (path, sizeBytes) => held(volume.find(path, "open"), path).truncate(sizeBytes),
    atomicSave(path, content) {
      const draft = `${path}.tmp~`;
      write(draft, content);
      save(volume.find(draft, "fsync"));
      volume.rename(draft, path);
    },
    writeRaw(directory, name, content) {
      volume.write(volume.createRaw(directory, name), bytesFor(content), 0, directory);
    },
    mkdir,
    symlink(path, target) {
      mkdir(parentOf(path));
      volume.create(path, "symlink", "symlink", 0o777, target);
    },
    link: volume.link,
    rename(from, to) {
      mkdir(parentOf(to));
      volume.rename(from, to);
    },
    copy,
    rm,
    chmod(path, mode) {
      volume.setAttributes(volume.find(path, "chmod"), { mode });
    },
    touch: (path, mtimeNs) => volume.setAttributes(fileAt(path), { mtimeNs: mtimeNs ?? volume.now() }),
    holdOpen: (path) => held(fileAt(path), path),
    read: (path) => volume.read(volume.find(path, "read")),
    exists,
    fsync(path) {
      if (exists(path)) saveAllAt(path);
      for (let parent = parentOf(path); ; parent = parentOf(parent)) {
        if (exists(parent)) volume.syncDirectory(volume.findDirectory(parent, "fsync"));
        if (parent === "/") return;
      }
    },
    sync: () => saveAll(volume.state, save),
  };
}
