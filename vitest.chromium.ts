import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { playwright } from "@vitest/browser-playwright";
import { chromium } from "playwright";
import type { BrowserConfigOptions } from "vitest/node";

/** Chromium as the environment names it, as Debian and Ubuntu install it, or as `npx playwright install chromium` does. */
const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", chromium.executablePath()].find((path) => path !== undefined && existsSync(path));

const MISSING = "there is no Chromium. Run apt-get install chromium, or npx playwright install chromium, or name one in the environment as CHROMIUM";

/** It runs as root in containers, and is to talk to nobody but the tests. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * How vitest runs a project's tests in a real Chromium; `undefined` where there is none, which the run then says.
 *
 * CI leaves nothing out: there it fails.
 */
export function chromiumMode(): BrowserConfigOptions | undefined {
  if (executablePath === undefined) {
    if (process.env.CI === "true") throw new Error(MISSING);
    console.warn(`\nThe tests that need a real browser are left out: ${MISSING}.\n`);
    return undefined;
  }
  return {
    enabled: true,
    headless: true,
    screenshotFailures: false,
    fileParallelism: false, // the files share one site's storage
    provider: playwright({ launchOptions: { executablePath, args: ARGUMENTS }, persistentContext: temporaryProfile() }),
    instances: [{ browser: "chromium" }],
  };
}

/** Without a profile of its own Chromium keeps a site's data in memory: nothing would reach a disk, and big transactions take 5 times as long. */
function temporaryProfile(): string {
  const directory = mkdtempSync(join(tmpdir(), "twinfold-chromium-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}
