import type { ServerOptions } from "./server-options.js";
import { resolveServerOptions } from "./server-options.js";

export interface Server {
  /** Where it answers, such as `http://127.0.0.1:4747`. */
  readonly url: string;
  /** Ends gracefully: held requests are answered, others get 5 s, the stores are closed and the data folder is free. May be called again. */
  close(): Promise<void>;
}

/** Starts a server on its data folder. It accepts requests when this resolves. */
export async function createServer(options: ServerOptions): Promise<Server> {
  resolveServerOptions(options);
  throw new Error("not yet");
}
