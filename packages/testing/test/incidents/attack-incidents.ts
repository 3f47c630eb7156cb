import type { Incident } from "./incident.js";

const HOSTILE = "packages/adapter-fs/test/hostile-names.property.test.ts";
const SWAPPED = "packages/adapter-fs/test/swapped-symlink.test.ts";
const NAMES = "packages/core/test/names.property.test.ts";
const HTTP = "packages/transport-http/test/http-transport.test.ts";
const NEVER_OUT = "never lead out of the root, nor into Twinfold's own folder, on a disk …";
const SWAPPED_TITLE = "inc-64-swapped-symlink: … writes nothing outside when … becomes a symlink at any look on the way";

/** What a hostile server, device or neighbour may try on a device. */
export const ATTACK_INCIDENTS: readonly Incident[] = [
  {
    number: 63,
    what: "Names with `..`, `/`, a drive or NUL in them wrote outside the folder",
    reported: "rsync CVE-2024-12086, CVE-2024-12087",
    here: "A name is one component, checked where it is decoded; paths are made of checked names only",
    proofs: [
      [HOSTILE, NEVER_OUT],
      [NAMES, "that leaves the root, is not in shortest form, enters Twinfold's folder or is too deep is refused"],
    ],
  },
  {
    number: 64,
    what: "A symlink was made first, and the next file was written through it",
    reported: "node-tar CVE-2021-32803, 37701, 37712, 37713; rsync CVE-2026-43619; gix-fs",
    here: "No symlink is followed below the root: each directory on the way is looked at again before every operation",
    proofs: [
      [SWAPPED, SWAPPED_TITLE],
      ["packages/testing/src/conformance/local-tree-conformance.ts", "LT6 nothing goes through a symlink on the way"],
    ],
  },
  {
    number: 65,
    what: "The check of a path ended with the target's absence, so a new file below a symlinked directory passed",
    reported: "DesktopCommanderMCP#420",
    here: "The way to the parent is checked, whether the target is there or not",
    proofs: [
      ["packages/testing/src/conformance/local-tree-conformance.ts", "LT6 nothing goes through a symlink on the way"],
      [SWAPPED, SWAPPED_TITLE],
    ],
  },
  {
    number: 66,
    what: "A program on the same machine swapped a directory between the check and the write",
    reported: "syncthing#3801, git CVE-2024-32021",
    here: "The inodes of the way are compared right before the call that changes something",
    proofs: [
      [SWAPPED, SWAPPED_TITLE],
      ["packages/adapter-fs/test/durable-replace.test.ts", "does not follow a symlink that takes a parent's place while the bytes are made durable"],
    ],
    open: "The microseconds between that comparison and the call are left: Node cannot work inside a directory that it has open",
  },
  {
    number: 67,
    what: "`.GIT` or a spelling with invisible letters was the protected folder on disks that fold names",
    reported: "git CVE-2014-9390, CVE-2021-21300, CVE-2024-32002",
    here: "Twinfold's own folder is refused by its name without case and without the letters that disks ignore",
    proofs: [
      [NAMES, "knows Twinfold's own folder under every spelling of upper case and ignored code points"],
      [HOSTILE, NEVER_OUT],
    ],
  },
  {
    number: 68,
    what: "A pipe in the folder made the scan hang; devices and sparse giants filled memory",
    reported: "backup programs of all kinds",
    here: "Only files, directories and symlinks are synced, the rest is told; a file is read in pieces, whatever its size; zeros are sent once, and take no room where they arrive",
    proofs: [
      ["packages/adapter-fs/test/fs-local-tree.test.ts", "tells of a pipe, and neither waits for it nor reads it"],
      ["packages/cli/test/names.test.ts", "names that are not UTF-8, sockets and pipes are reported, and the rest arrives"],
      ["packages/adapter-fs/test/fs-local-tree.test.ts", "reads a large file in pieces of at most 1 MiB, whatever part is asked for"],
      ["packages/cli/test/sparse-file.test.ts", "of 200 MiB with a few bytes in it is sent as those, and takes no more room on the other device"],
    ],
    open: "A sparse file is read as the zeros that it stands for, which takes as long as reading them",
  },
  {
    number: 69,
    what: "A small answer that unpacks to gigabytes, or has encodings upon encodings, filled a client's memory",
    reported: "Node CVE-2024-22025, undici CVE-2026-22036",
    here: "No more of an answer is read than its kind may have, counted after unpacking; chunks have bounds of their own",
    proofs: [
      [HTTP, "inc-69 reads no more than the bound of an answer that unpacks to a gigabyte"],
      [HTTP, "stops reading an answer that has no end"],
    ],
    open: "Encodings upon encodings are unpacked by Node's own fetch before we see a byte: how many it allows is up to the version of Node",
  },
  {
    number: 70,
    what: "A server redirected a client to a private address, and the client's secret went along",
    reported: "OWASP ASVS 15.3.2",
    here: "Redirects are not followed, and the address of a server is checked before it is used",
    proofs: [
      [HTTP, "does not carry the token to where a redirect points"],
      [HTTP, "refuses the address %s"],
    ],
  },
  {
    number: 71,
    what: "A browser threw away a site's database, and what was missing in it was deleted",
    reported: "Safari's seven days; w3c/IndexedDB#50",
    here: "A page without its rows merges, and a page whose database goes while it is open stops",
    proofs: [
      [
        "packages/adapter-indexeddb/test/replica.test.ts",
        "inc-71 a page whose database was deleted merges: it removes nothing, and what it had not sent goes up",
      ],
      ["packages/adapter-indexeddb/test/site-data.chromium.test.ts", "is told when a person deletes the site's data, and can be opened anew at once"],
    ],
  },
];
