import { INTERNAL_NAME } from "@twinfold/core";
import type { Mutant } from "./mutant.js";
import { onFileSystem, onOpenFile, onTree } from "./seams.js";
import { interleaved, powerless } from "./where.js";

const TRASH = `/${INTERNAL_NAME}/trash/`;

/** Mutants of how a device makes durable what it writes. */
export const ofDisk = {
  "files-not-synced": {
    broken: "Files are put in place without an fsync.",
    where: powerless,
    apply: (sut) => onOpenFile(sut, () => ({ sync: async () => {} })),
  },
  "directories-not-synced": {
    broken: "Directories are not synced after a name in them changed.",
    where: powerless,
    apply: (sut) => onFileSystem(sut, () => ({ syncDirectory: async () => {} })),
  },
  "unverified-forgotten": {
    broken: "Small files leave the list of what the disk may not have without an fsync.",
    where: powerless,
    apply: (sut) => onTree(sut, () => ({ sync: async (paths) => paths.map(() => "durable") })),
  },
  "rename-in-two-steps": {
    broken: "What is to be replaced is unlinked before the rename.",
    where: powerless,
    apply: (sut) =>
      onFileSystem(sut, (fileSystem) => ({
        async rename(from, to) {
          if ((await fileSystem.lstat(to).catch(() => undefined))?.kind === "file") await fileSystem.unlink(to);
          await fileSystem.rename(from, to);
        },
      })),
  },
  "written-in-place": {
    broken: "A file is replaced by truncating it and writing the new bytes into it.",
    where: powerless,
    apply: (sut) =>
      onFileSystem(sut, (fileSystem) => ({
        async rename(from, to) {
          const [source, target] = await Promise.all([from, to].map(async (path) => await fileSystem.lstat(path).catch(() => undefined)));
          if (source?.kind !== "file" || target?.kind !== "file") return await fileSystem.rename(from, to);
          const [read, write] = [await fileSystem.open(from, "read"), await fileSystem.open(to, "read-write")];
          try {
            await write.truncate(0);
            const bytes = new Uint8Array(source.sizeBytes);
            await read.read(bytes, 0);
            await write.write(bytes, 0);
            await write.sync();
          } finally {
            await read.close();
            await write.close();
          }
          await fileSystem.unlink(from);
        },
      })),
  },
  "unlinked-instead-of-kept": {
    broken: "What is removed is unlinked, and not kept in the trash.",
    where: interleaved,
    apply: (sut) =>
      onFileSystem(sut, (fileSystem) => ({
        rename: async (from, to) =>
          await (to.includes(TRASH) && !from.includes(`/${INTERNAL_NAME}/`) ? fileSystem.unlink(from) : fileSystem.rename(from, to)),
      })),
  },
} satisfies Record<string, Mutant>;
