import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { missingS3Server, type S3Server, startS3Server, stopS3Server } from "../../../scripts/s3-server.mjs";

declare module "vitest" {
  interface ProvidedContext {
    /** The server of all tests here, or why there is none. */
    s3: S3Server | { readonly missing: string };
  }
}

/** One real server for all test files. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const missing = missingS3Server();
  if (missing !== undefined) {
    console.warn(missing);
    project.provide("s3", { missing });
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), "twinfold-s3-"));
  project.provide("s3", await startS3Server(folder));
  return () => stopS3Server(folder);
}
