import { TwinfoldError } from "../errors.js";
import { ByteReader, malformed } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";

/**
 * How one type travels and rests: `read` gives back what `write` was given, and refuses everything else.
 *
 * A value over the format's bounds is refused by `write` already (`ERR_INVALID_ARGUMENT`), so that nothing is kept or sent that cannot be read.
 */
export interface Codec<T> {
  write(writer: ByteWriter, value: T): void;
  read(reader: ByteReader): T;
}

/** A larger writer is let go after its message. */
const MAX_IDLE_BYTES = 64 * 1024;
/** The writer of the last message, for the next; `undefined` while it is at work, so that a message inside another gets one of its own. */
let idle: ByteWriter | undefined;

export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = idle ?? new ByteWriter();
  idle = undefined;
  codec.write(writer, value);
  const message = writer.finish();
  if (message.length <= MAX_IDLE_BYTES) {
    writer.clear();
    idle = writer;
  }
  return message;
}

/** @throws {TwinfoldError} `ERR_PROTOCOL` when `bytes` is not exactly one value. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new ByteReader(bytes);
  const value = codec.read(reader);
  reader.end();
  return value;
}

const encoder = new TextEncoder();

function unwritable(allowed: string, actual: string | number): TwinfoldError {
  return new TwinfoldError("ERR_INVALID_ARGUMENT", `a message can hold ${allowed} here, got ${actual}`);
}

export const varint: Codec<number> = {
  write: (writer, value) => writer.varint(value),
  read: (reader) => reader.varint(),
};

export const int64: Codec<bigint> = {
  write: (writer, value) => writer.int64(value),
  read: (reader) => reader.int64(),
};

export const boolean: Codec<boolean> = {
  write: (writer, value) => writer.byte(value ? 1 : 0),
  read: (reader) => {
    const byte = reader.byte();
    if (byte > 1) throw malformed(`a yes or no that is ${byte}`);
    return byte === 1;
  },
};

/** An id: `byteCount` bytes, in memory as lower-case hex. */
export function id<T extends string>(byteCount: number): Codec<T> {
  return {
    write: (writer, value) => {
      if (value.length !== byteCount * 2) throw unwritable(`an id of ${byteCount} bytes`, JSON.stringify(value));
      writer.hex(value);
    },
    read: (reader) => reader.hex(byteCount) as T,
  };
}

export function bytes(maxBytes: number): Codec<Uint8Array> {
  return {
    write: (writer, value) => {
      if (value.length > maxBytes) throw unwritable(`at most ${maxBytes} bytes`, value.length);
      writer.bytes(value);
    },
    read: (reader) => reader.bytes(maxBytes).slice(),
  };
}

export function string(maxBytes: number): Codec<string> {
  return {
    write: (writer, value) => {
      // No UTF-16 unit takes more than three bytes, so most texts need not be encoded to be counted.
      const sizeBytes = value.length * 3 > maxBytes ? encoder.encode(value).length : 0;
      if (sizeBytes > maxBytes) throw unwritable(`at most ${maxBytes} bytes of text`, sizeBytes);
      writer.string(value);
    },
    read: (reader) => reader.string(maxBytes),
  };
}

export function list<T>(item: Codec<T>, maxCount: number): Codec<readonly T[]> {
  return {
    write: (writer, values) => {
      if (values.length > maxCount) throw unwritable(`a list of at most ${maxCount}`, values.length);
      writer.varint(values.length);
      for (const value of values) item.write(writer, value);
    },
    read: (reader) => {
      const count = reader.varint();
      // Every item takes a byte at least, so a count beyond what is left is a lie.
      if (count > maxCount || count > reader.remaining) throw malformed(`a list of ${count} where at most ${maxCount} are allowed`);
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(item.read(reader));
      return values;
    },
  };
}

export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    write: (writer, value) => {
      writer.byte(value === undefined ? 0 : 1);
      if (value !== undefined) codec.write(writer, value);
    },
    read: (reader) => (boolean.read(reader) ? codec.read(reader) : undefined),
  };
}

/** A last field that older bytes end before: nothing is written of what is not there. */
export function trailing<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    write: (writer, value) => {
      if (value !== undefined) codec.write(writer, value);
    },
    read: (reader) => (reader.remaining > 0 ? codec.read(reader) : undefined),
  };
}

/** The fields one after another, in the order in which they are given here. */
export function struct<T extends object>(fields: { readonly [K in keyof Required<T>]: Codec<T[K]> }): Codec<T> {
  const entries = Object.entries(fields).map(([name, codec]) => ({ name, codec })) as Array<{ name: keyof T; codec: Codec<T[keyof T]> }>;
  return {
    write: (writer, value) => {
      for (const { name, codec } of entries) codec.write(writer, value[name]);
    },
    read: (reader) => {
      const value: Partial<T> = {};
      for (const { name, codec } of entries) {
        const field = codec.read(reader);
        if (field !== undefined) value[name] = field;
      }
      return value as T;
    },
  };
}

/** One of several shapes, told apart by their `kind`; each has its number on the wire. */
export function union<T extends { readonly kind: string }>(
  cases: { readonly [K in T["kind"]]: { readonly tag: number; readonly fields: Codec<Omit<Extract<T, { kind: K }>, "kind">> } },
): Codec<T> {
  type Case = { readonly tag: number; readonly fields: Codec<object> };
  const byKind = cases as unknown as Readonly<Record<string, Case>>;
  const byTag = new Map(Object.entries(byKind).map(([kind, { tag, fields }]) => [tag, { kind, fields }]));
  return {
    write: (writer, value) => {
      const { tag, fields } = byKind[value.kind] as Case;
      writer.byte(tag);
      fields.write(writer, value);
    },
    read: (reader) => {
      const tag = reader.byte();
      const found = byTag.get(tag);
      if (found === undefined) throw malformed(`an unknown kind ${tag}`);
      return { kind: found.kind, ...found.fields.read(reader) } as unknown as T;
    },
  };
}

/** One of a fixed list of words, each written as its number. */
export function word<T extends string>(numbers: Readonly<Record<T, number>>): Codec<T> {
  const byNumber = new Map(Object.entries(numbers).map(([name, number]) => [number as number, name as T]));
  return {
    write: (writer, value) => writer.byte(numbers[value]),
    read: (reader) => {
      const number = reader.byte();
      const found = byNumber.get(number);
      if (found === undefined) throw malformed(`an unknown word ${number}`);
      return found;
    },
  };
}
