import type { HubCounter } from "./hub.js";

export type HubCounters = Record<HubCounter, number>;

export function createHubCounters(): HubCounters {
  return {
    commits: 0,
    changesAccepted: 0,
    changesRefused: 0,
    appendsStale: 0,
    packsWritten: 0,
    chunksStored: 0,
    chunksDeduplicated: 0,
    bytesStored: 0,
    chunksServed: 0,
    bytesServed: 0,
    chunksDamaged: 0,
    deltaFramesReceived: 0,
    deflateFramesReceived: 0,
    framesAskedAgain: 0,
    deltaFramesServed: 0,
    deflateFramesServed: 0,
    bytesSaved: 0,
    chunksSketched: 0,
    draftChunksTold: 0,
    waiting: 0,
  };
}

export function count(counters: HubCounters, name: HubCounter, by = 1): void {
  counters[name] += by;
}
