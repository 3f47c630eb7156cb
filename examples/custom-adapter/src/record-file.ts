import { closeSync, constants, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

/** Head of a record: CRC-32 of what follows in it, 1 + number of bytes (0: none, the name is deleted), length of the name, the name. The bytes come after it. */
const NAME_AT = 9;
const LONGEST_HEAD = NAME_AT + 255;

/** Where a record's bytes are. */
export interface Place {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** A file of named records that only grows. `remember` is told of each, first of those that are there, and of `undefined` for a name that is deleted. */
export function openRecordFile(path: string, remember: (name: string, place: Place | undefined) => void) {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT);
  let end = 0;
  let failed = false;

  function accept(head: Buffer): void {
    const [name, field, offset] = [head.toString("latin1", NAME_AT), head.readUInt32LE(4), end + head.length];
    end = offset + Math.max(0, field - 1);
    remember(name, field === 0 ? undefined : { offset, sizeBytes: field - 1 });
  }

  function write(bytes: Uint8Array, at: number): void {
    if (writeSync(file, bytes, 0, bytes.length, at) < bytes.length) throw new Error("the disk took a part only");
    fsyncSync(file);
  }

  for (const read = Buffer.alloc(LONGEST_HEAD); ; read.fill(0)) {
    readSync(file, read, 0, LONGEST_HEAD, end);
    const head = read.subarray(0, NAME_AT + read.readUInt8(8));
    if (head.length === NAME_AT || crc32(head.subarray(4)) !== head.readUInt32LE(0)) break; // the end, or what a crash cut off
    accept(head);
  }

  return {
    /** The bytes are durable before the head is written, without which there is no record. After a failure nothing more is written. */
    append(name: string, bytes?: Uint8Array): void {
      if (failed) throw new Error("a write before this one failed: open the file again");
      const head = Buffer.from(`12345678${String.fromCharCode(name.length)}${name}`, "latin1");
      head.writeUInt32LE(bytes === undefined ? 0 : 1 + bytes.length, 4);
      head.writeUInt32LE(crc32(head.subarray(4)), 0);
      failed = true;
      if (bytes !== undefined) write(bytes, end + head.length);
      write(head, end);
      failed = false;
      accept(head);
    },
    read({ offset, sizeBytes }: Place): Uint8Array {
      const bytes = new Uint8Array(sizeBytes);
      if (readSync(file, bytes, 0, sizeBytes, offset) < sizeBytes) throw new Error("the file ends before it should");
      return bytes;
    },
    close: () => closeSync(file),
  };
}
