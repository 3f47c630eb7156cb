import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { assertTwins } from "../twins.mjs";

const tree = fc.dictionary(fc.constantFrom("one", "two/three", "two/four", "five/six/seven"), fc.uint8Array({ minLength: 1, maxLength: 100 }), {
  minKeys: 1,
});

/** Writes the files into A and a copy into B, has `change` done to B, and gives what the comparison says. */
function comparison(files, change) {
  const folder = mkdtempSync(join(tmpdir(), "twinfold-bench-test-"));
  try {
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    for (const [path, bytes] of Object.entries(files)) {
      mkdirSync(join(a, path, ".."), { recursive: true });
      writeFileSync(join(a, path), bytes);
    }
    cpSync(a, b, { recursive: true });
    mkdirSync(join(b, ".twinfold"));
    change(b);
    assertTwins(a, b);
    return "twins";
  } catch (error) {
    return error.message;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it("takes copies for twins, whatever a competitor keeps in them for itself", () => {
  fc.assert(
    fc.property(tree, (files) => {
      expect(comparison(files, () => {})).toBe("twins");
    }),
    { numRuns: 30 },
  );
});

it("finds a byte that differs, a file that is missing, and one too many", () => {
  const changes = fc.constantFrom(
    (b, path, at) => {
      const bytes = readFileSync(join(b, path));
      bytes[at % bytes.length] ^= 1;
      writeFileSync(join(b, path), bytes);
    },
    (b, path) => rmSync(join(b, path)),
    (b, path) => writeFileSync(join(b, `${path} too`), "x"),
  );
  fc.assert(
    fc.property(tree, changes, fc.nat(), (files, change, at) => {
      const paths = Object.keys(files);
      expect(comparison(files, (b) => change(b, paths[at % paths.length], at))).toMatch(/no twins/);
    }),
    { numRuns: 100 },
  );
});
