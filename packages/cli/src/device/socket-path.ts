import { createHash } from "node:crypto";
import { lstat, mkdir } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { TwinfoldError } from "@twinfold/core";
import type { DeviceHome } from "./home.js";
import { errnoOf, localFailure } from "./local-failure.js";

/** Longest path that a Unix socket can have on every system, less its closing NUL. Source: `sun_path` is 104 bytes on macOS, 108 on Linux. */
const MAX_SOCKET_PATH_BYTES = 103;

/**
 * Where the process that serves this state folder answers: `socket` in it, or, where that path is too long for a socket,
 * a private folder in the system's temporary one, named after the state folder.
 */
export async function prepareSocketPath(home: DeviceHome): Promise<string> {
  const name = createHash("sha256").update(home.path).digest("hex").slice(0, 16);
  if (process.platform === "win32") return `\\\\.\\pipe\\twinfold-${name}`;
  const preferred = join(home.path, "socket");
  if (isShort(preferred)) return preferred;
  const folder = [tmpdir(), "/tmp"]
    .map((temporary) => join(temporary, `twinfold-${userInfo().uid}-${name}`))
    .find((path) => isShort(join(path, "socket")));
  if (folder === undefined)
    throw new TwinfoldError("ERR_LOCAL_FAILED", `the path of ${preferred} is too long for a socket: set TWINFOLD_HOME to a shorter one`);
  await makePrivate(folder);
  return join(folder, "socket");
}

function isShort(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES;
}

/** Everybody may write in the temporary folder: what is there already counts only when it is ours, and closed to others. */
async function makePrivate(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (cause) {
    if (errnoOf(cause) !== "EEXIST") throw localFailure(`make ${path}`, cause);
  }
  const stat = await lstat(path);
  if (!stat.isDirectory() || stat.uid !== userInfo().uid || (stat.mode & 0o077) !== 0) {
    throw new TwinfoldError("ERR_PERMISSION_DENIED", `${path} is not a private folder of yours: remove it, or set TWINFOLD_HOME to a shorter path`);
  }
}
