import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { sizeOf } from "../twins.mjs";

/** A repository beside A that each pass takes a snapshot of A into. */
function backupWith({ name, title, debian, versionOf, environment, initialize, backUp }) {
  return {
    name,
    title,
    program: name,
    debian,
    version: async (processes) => versionOf.pattern.exec(await processes.run("version", name, versionOf.args))[1],

    async open({ processes, home, a }) {
      mkdirSync(home, { recursive: true });
      const repository = join(home, "repository");
      const options = { env: environment(home) };
      await processes.run("A", name, initialize(repository), options);
      let snapshots = 0;
      return {
        async pass() {
          snapshots += 1;
          await processes.run("A", name, backUp(repository, a, snapshots), options);
        },
        storedBytes: () => sizeOf(repository),
        async close() {
          await processes.stopAll();
          rmSync(home, { recursive: true, force: true });
        },
      };
    },
  };
}

export const restic = backupWith({
  name: "restic",
  title: "restic",
  debian: "restic",
  versionOf: { args: ["version"], pattern: /restic ([\d.]+)/ },
  environment: (home) => ({ RESTIC_PASSWORD: "bench", RESTIC_CACHE_DIR: join(home, "cache"), HOME: home }),
  initialize: (repository) => ["-r", repository, "init"],
  backUp: (repository, folder) => ["-r", repository, "--quiet", "backup", folder],
});

export const borg = backupWith({
  name: "borg",
  title: "borg",
  debian: "borgbackup",
  versionOf: { args: ["--version"], pattern: /borg ([\d.]+)/ },
  environment: (home) => ({ BORG_BASE_DIR: join(home, "base"), BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes" }),
  initialize: (repository) => ["init", "--encryption=none", repository],
  backUp: (repository, folder, snapshot) => ["create", `${repository}::${snapshot}`, folder],
});
