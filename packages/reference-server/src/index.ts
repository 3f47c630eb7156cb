export { createServer, type Server } from "./server.js";
export { DEFAULT_LISTEN, resolveServerOptions, type ServerOptions } from "./server-options.js";
