import { hostname } from "node:os";
import { createApiClient } from "@twinfold/transport-http";
import { TwinfoldError } from "@twinfold/core";
import type { Context } from "../context.js";
import { createMeteredNetwork } from "../network/metered-network.js";
import { parseServerAddress } from "../network/server-address.js";
import { passwordFromStdin, passwordFromTerminal } from "../output/password.js";
import { prepareSocketPath } from "../daemon/socket-path.js";
import { type Credentials, readCredentials, writeCredentials } from "./credentials.js";
import { readLinks } from "./links.js";
import { acquireLock, inUse } from "./lock.js";

export interface SignInOptions {
  readonly server: string;
  readonly email: string;
  readonly device?: string | undefined;
  readonly passwordStdin?: boolean | undefined;
  readonly insecure?: boolean | undefined;
}
