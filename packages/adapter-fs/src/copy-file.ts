import type { FileSystem, OpenFile, LocalReadOptions } from "@twinfold/core";

/** Bytes of a file that are in memory at a time. */
export const PIECE_BYTES = 1024 * 1024;

/** The file's bytes from `offset` to `end`, or to its own end, until the signal aborts. Each piece is an array of its own, or lies in its place in `into`. */
export async function* pieces(
  file: OpenFile,
  offset: number,
  end: number,
  { signal, into }: Pick<LocalReadOptions, "signal" | "into"> = {},
): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < end; ) {
    signal?.throwIfAborted();
    const length = Math.min(PIECE_BYTES, end - at);
    const piece = into?.subarray(at - offset, at - offset + length) ?? new Uint8Array(length);
    const count = await file.read(piece, at);
    if (count > 0) yield piece.subarray(0, count);
    if (count < piece.length) return;
    at += count;
  }
}

/** Makes a new file with the bytes, mode and mtime of another one, durably; leaves nothing behind when it fails. */
export async function copyFile(fs: FileSystem, from: string, to: string): Promise<void> {
  const source = await fs.open(from, "read");
  try {
    const { mode, mtimeNs } = await source.stat();
    const copy = await fs.open(to, "create-exclusive");
    try {
      let at = 0;
      for await (const piece of pieces(source, 0, Number.POSITIVE_INFINITY)) {
        await copy.write(piece, at);
        at += piece.length;
      }
      await copy.chmod(mode);
      await copy.setMtime(mtimeNs);
      await copy.sync();
    } catch (error) {
      await fs.unlink(to).catch(() => {});
      throw error;
    } finally {
      await copy.close();
    }
  } finally {
    await source.close();
  }
}
