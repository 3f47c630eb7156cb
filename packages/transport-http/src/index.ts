export {
  type Account,
  type ApiClient,
  type ApiClientOptions,
  createApiClient,
  type Device,
  type Session,
  type SignInRequest,
  type Workspace,
} from "./api-client.js";
export { createFetchClient } from "./fetch-client.js";
export type { HttpClient, IncomingResponse, OutgoingRequest } from "./http-client.js";
export { createHttpTransport, type HttpTransportOptions } from "./http-transport.js";
export { type Problem, ServerError } from "./server-error.js";
