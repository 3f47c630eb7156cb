import type { Hub, HubCounter } from "@twinfold/core";
import type { FastifyInstance } from "fastify";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

export interface OperationsRoutesOptions {
  readonly hub: Hub;
  /** Rejects when the stores do not answer. */
  readonly checkStores: () => Promise<void>;
}

const COUNTERS: Readonly<Record<Exclude<HubCounter, "waiting">, string>> = {
  commits: "Commits executed",
  changesAccepted: "Changes accepted",
  changesRefused: "Changes not accepted",
  appendsStale: "Appends that were repeated because the workspace had moved on",
  packsWritten: "Packs written",
  chunksStored: "Chunks stored",
  chunksDeduplicated: "Chunks that were stored already",
  bytesStored: "Bytes stored, as they lie in packs",
  chunksServed: "Chunks served",
  bytesServed: "Bytes of chunks served",
  chunksDamaged: "Chunks asked for whose stored bytes are damaged",
  deltaFramesReceived: "Chunks that came as differences to others",
  deflateFramesReceived: "Chunks that came compressed",
  framesAskedAgain: "Chunks that could not be rebuilt, and were asked for plain",
  deltaFramesServed: "Chunks served as differences to others",
  deflateFramesServed: "Chunks served compressed",
  bytesSaved: "Bytes of chunks that did not have to travel, both ways",
  chunksSketched: "Chunks whose pieces were told, for differences to them",
  draftChunksTold: "Chunks of files still being sent that were told to other devices, which may fetch them ahead",
};

/** For operators: health, readiness, metrics, and the page that describes the routes. */
export function operationsRoutes(app: FastifyInstance, { hub, checkStores }: OperationsRoutesOptions): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const [name, help] of Object.entries(COUNTERS) as Array<[Exclude<HubCounter, "waiting">, string]>) {
    new Counter({
      name: `twinfold_hub_${snakeCase(name)}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(hub.counters[name]);
      },
    });
  }
  new Gauge({
    name: "twinfold_hub_waiting",
    help: "Long polls held",
    registers: [registry],
    collect() {
      this.set(hub.counters.waiting);
    },
  });
  const requests = new Histogram({
    name: "twinfold_http_request_seconds",
    help: "Requests, with the time from their first byte to the answer's last",
    labelNames: ["method", "route", "status"] as const,
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  });
  app.addHook("onResponse", async (request, reply) => {
    requests.observe({ method: request.method, route: request.routeOptions.url ?? "none", status: reply.statusCode }, reply.elapsedTime / 1000);
  });

  app.get("/healthz", { schema: { summary: "The process runs", tags: ["operations"] } }, async () => ({ ok: true }));
  app.get("/readyz", { schema: { summary: "The stores answer", tags: ["operations"] } }, async () => {
    await checkStores();
    return { ok: true };
  });
  app.get("/metrics", { schema: { summary: "Counters for Prometheus", tags: ["operations"] } }, async (_request, reply) => {
    return await reply.type(registry.contentType).send(await registry.metrics());
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
