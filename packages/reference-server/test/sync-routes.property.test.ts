import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { startServer, withWorkspace } from "./running-server.js";

const OPERATIONS = ["hello", "changes", "outcomes", "wait", "heads", "manifests", "versions", "missing", "draft", "upload", "download", "commit"];

describe("sync routes", () => {
  it("answer no bytes whatever with a failure of the server", async () => {
    const { url } = await startServer({ maxWaitMs: 0 });
    const { token, workspaceId } = await withWorkspace(url);
    const workspaceBytes = Buffer.from(workspaceId, "hex");
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }).map((rest) => Buffer.concat([workspaceBytes, rest])), // past the check of the workspace
      fc.uint8Array({ maxLength: 60 }).map((rest) => Buffer.concat([Buffer.of(1), workspaceBytes, rest])),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...OPERATIONS), body, async (operation, bytes) => {
        const response = await fetch(`${url}/v1/sync/${operation}?workspace=${workspaceId}`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/vnd.twinfold" },
          body: bytes,
        });
        const text = await response.text();
        expect(response.status, `${operation}: ${text}`).toBeLessThan(500);
        if (!response.ok) expect(JSON.parse(text)).toMatchObject({ status: response.status, code: expect.stringMatching(/^ERR_/) });
      }),
      { numRuns: 500 },
    );
  });
});
