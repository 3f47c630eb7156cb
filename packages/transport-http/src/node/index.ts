export { type Bandwidth, type BandwidthLimits, createBandwidth, MIN_BYTES_PER_SECOND } from "./bandwidth.js";
export { createNodeHttpClient, type NodeHttpClient, type NodeHttpClientOptions } from "./node-http-client.js";
