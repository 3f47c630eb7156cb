import { CutFinder, REACH_BYTES, type Search } from "./cut-finder.js";
import { GEAR_HEX } from "./gear.js";
import { plainSearch } from "./plain-search.js";
import { checkProfile, type ChunkProfile } from "./profile.js";
import { SEARCH_MODULE_BASE64 } from "./search-module.js";

/** What is needed of WebAssembly here, for core knows of no platform's types. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
interface WasmInstance {
  readonly exports: { search(first: number, at: number, center: number, end: number, below: number, above: number): number };
}
declare const WebAssembly:
  | {
      readonly Module: new (bytes: Uint8Array) => object;
      readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => WasmMemory;
      readonly Instance: new (module: object, imports: { readonly env: { readonly memory: WasmMemory } }) => WasmInstance;
    }
  | undefined;

/** Of WebAssembly's memory. Source: WebAssembly Core Specification, 4.2.8. */
const PAGE_BYTES = 65_536;
/** The gear, which assembly/search.ts finds at the start of the memory. */
const GEAR_BYTES = 256 * 8;
/** What is copied to the window at a time to be searched there: of 16, 24, 32 and 48 KiB the fastest, by 2–6 % (bytes behind a cut are copied in vain). */
const COPIED_BYTES = 24 * 1024;

/**
 * Memory in which bytes are cut where they are.
 *
 * It is WebAssembly's own where there is one: what is read straight into it is copied no more.
 */
export interface CutWindow {
  readonly bytes: Uint8Array;
  /**
   * Finds cuts in `bytes`.
   *
   * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when the profile is not one.
   */
  finder(profile: ChunkProfile): CutFinder;
}

/** Where WebAssembly is missing, forbidden (by a Content-Security-Policy) or gets no memory, plain TypeScript gives the same cuts. */
export function createCutWindow(sizeBytes: number): CutWindow {
  const { bytes, search } = createWasmSearch(sizeBytes) ?? { bytes: new Uint8Array(sizeBytes), search: plainSearch };
  return {
    bytes,
    finder(profile) {
      checkProfile(profile);
      return new CutFinder(profile, search);
    },
  };
}

let shared: { readonly search: Search } | undefined;

/** Finds cuts in bytes anywhere: they are copied to be searched, at most once, and those before a chunk's `minBytes` not at all. */
export function createCutFinder(profile: ChunkProfile): CutFinder {
  checkProfile(profile);
  shared ??= createWasmSearch(REACH_BYTES + COPIED_BYTES) ?? { search: plainSearch };
  return new CutFinder(profile, shared.search);
}

/** A search in `bytes`, which it does in place, and in what is elsewhere, which it copies there first; `undefined` where the platform has none. */
export function createWasmSearch(sizeBytes: number): { readonly bytes: Uint8Array; readonly search: Search } | undefined {
  const running = instantiate(GEAR_BYTES + sizeBytes);
  if (running === undefined) return undefined;
  const { memory, search } = running;
  new BigUint64Array(memory.buffer, 0, 256).set(GEAR_HEX.map((digits) => BigInt(`0x${digits}`)));
  const window = new Uint8Array(memory.buffer, GEAR_BYTES, sizeBytes);
  return {
    bytes: window,
    search(bytes, first, at, center, end, below, above) {
      if (bytes.buffer === memory.buffer) {
        const start = bytes.byteOffset;
        return search(start + first, start + at, start + center, start + end, below, above) - start;
      }
      for (let from = at; from < end; from += COPIED_BYTES) {
        const until = Math.min(end, from + COPIED_BYTES);
        const begin = Math.max(first, from - REACH_BYTES);
        window.set(bytes.subarray(begin, until));
        const moved = GEAR_BYTES - begin;
        const cut = search(GEAR_BYTES, from + moved, Math.max(center, from) + moved, until + moved, below, above) - moved;
        if (cut < until) return cut;
      }
      return end;
    },
  };
}

function instantiate(sizeBytes: number): { readonly memory: WasmMemory; readonly search: WasmInstance["exports"]["search"] } | undefined {
  if (typeof WebAssembly === "undefined") return undefined;
  const pages = Math.ceil(sizeBytes / PAGE_BYTES);
  try {
    const module = new WebAssembly.Module(Uint8Array.from(atob(SEARCH_MODULE_BASE64), (character) => character.charCodeAt(0)));
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    return { memory, search: new WebAssembly.Instance(module, { env: { memory } }).exports.search };
  } catch {
    return undefined; // forbidden, or no memory: the same cuts can be had without
  }
}
