import type { Incident } from "./incident.js";

const CRASHES = "packages/testing/test/simulator/crash-points.test.ts";
const HUB_STORE = "packages/testing/src/conformance/hub-store-conformance.ts";
const TRANSPORT = "packages/testing/src/conformance/transport-conformance.ts";
const REPLACE = "packages/adapter-fs/test/durable-replace.test.ts";
const FS_BLOBS = "packages/adapter-fs/test/fs-blob-store.test.ts";
const S3_FAILURES = "packages/adapter-s3/test/failures.test.ts";
const SQLITE = "packages/adapter-sqlite/test/database.test.ts";
const CHECKUP = "packages/core/test/replica/checkup.test.ts";
const ROUTES = "packages/reference-server/test/sync-routes.test.ts";
const NO_COLLECTOR =
  "It does not apply: there is no garbage collection in this release, so no chunk is ever deleted, rightly or wrongly. The tests come with the collector";

/** What servers, stores and disks did with bytes that they had confirmed. */
export const SERVER_INCIDENTS: readonly Incident[] = [
  {
    number: 37,
    what: "Garbage collection removed bytes that somebody had just written, or had just been told not to send again",
    reported: "gitaly!4416, git's mailing list, restic#2452, restic#3126",
    here: "Stores only grow in this release",
    proofs: [],
    open: NO_COLLECTOR,
  },
  {
    number: 38,
    what: "A prune that could not read all of its index deleted what was in use",
    reported: "restic#3182, restic#3239; rclone#9722",
    here: "Nothing is pruned in this release",
    proofs: [],
    open: NO_COLLECTOR,
  },
  {
    number: 39,
    what: "A check put empty files in the place of damaged ones, or did not see the damage",
    reported: "seafile#2682, #1333, #1929, #1547, #1884, #2201",
    here: "`twinfold doctor` tells what it finds at every hop, and mends only from bytes that it has checked",
    proofs: [
      [CHECKUP, "finds chunks that the hub holds damaged when it is to look deep"],
      [CHECKUP, "leaves a damaged file on the disk when the server has no whole copy of it"],
      [
        "packages/cli/test/doctor.test.ts",
        "finds a chunk that the server lost from a workspace, exits with 1, and with --repair sends it from this disk",
      ],
    ],
    open: "A check by the server of its own stores, without a device, is not built yet",
  },
  {
    number: 40,
    what: "S3 answered 200 with an error in the body, and the upload counted as done",
    reported: "aws-sdk-java-v2#7068, aws-c-s3#622, uppy#4985",
    here: "An upload is complete when its answer says so, and in doubt when it does not",
    proofs: [
      [S3_FAILURES, "does not take an error that comes after status 200 for success"],
      [S3_FAILURES, "stores nothing of bytes that were damaged on their way, in one request or in parts"],
    ],
  },
  {
    number: 41,
    what: "A store that calls itself S3 ignored conditions on writes",
    reported: "minio#21526, minio#19442, S3Mock#2790",
    here: "No write is conditional: a blob is written under a name that no other bytes have, and writing it again is harmless",
    proofs: [
      ["packages/testing/src/conformance/blob-store-conformance.ts", "BS2 of 32 puts of one name at the same time one stands, whole"],
      [S3_FAILURES, "does not take the older blob of that name for an upload that failed"],
    ],
  },
  {
    number: 42,
    what: "Two requests that continued one upload at the same offset spoiled it",
    reported: "LynxSense#320, tus-php#257, tus#146; the IETF draft on resumable uploads",
    here: "Devices send whole chunks by their hash, in any order and as often as they like; there is no offset",
    proofs: [
      [TRANSPORT, "TR2 a repeated upload and a repeated close of a draft are answered alike"],
      [TRANSPORT, "TR2 a draft that is continued from the wrong place answers its length"],
      [ROUTES, "keep the whole frames of an upload that ends inside one"],
    ],
    open: "Resumable uploads of plain clients (tus) are not built yet",
  },
  {
    number: 43,
    what: "Offsets were computed after a filter, and wrong bytes went up under the right name",
    reported: "Dropbox, Hacker News 22928726",
    here: "The hub computes the hash of every chunk, and takes none that is not its id's",
    proofs: [
      [TRANSPORT, "TR7 an upload keeps its sound frames when one of them is not its id's"],
      [ROUTES, "refuse a frame whose bytes are not its id's, by name"],
    ],
  },
  {
    number: 44,
    what: "SQLite with its log in NORMAL mode lost commits at a power loss that had been confirmed",
    reported: "SQLite's documentation; WordPress/sqlite#483",
    here: "Both databases wait for the disk at every commit; and should a tail be lost all the same, devices notice by the hash chain and send it again",
    proofs: [
      [SQLITE, "writes a log, waits for the disk, and is marked as ours"],
      ["packages/adapter-sqlite/test/crash.test.ts", "has every append that was answered, and no half of one"],
      [
        "packages/core/test/replica/restored-hub.test.ts",
        "gets back what it lost: files made, edited, renamed and deleted since the copy all survive on every device",
      ],
    ],
    open: "Power is lost in the simulator, on its own disk; of SQLite only the mode and the death of its process are tested",
  },
  {
    number: 45,
    what: "A SQLite database on a network disk, on two machines at once, or copied while it was open",
    reported: "opencode#14970, vaultwarden-serverless#2",
    here: "One server, and one process of a device, at a time; a database on a network disk is not opened; an older copy that is put back is noticed by the devices",
    proofs: [
      ["packages/adapter-sqlite/test/network-disk.test.ts", "inc-45 is refused on a disk of type %s, which is another machine's"],
      ["packages/reference-server/test/data-folder.test.ts", "is served by one server at a time, and is free when that has closed"],
      ["packages/adapter-sqlite/test/crash.test.ts", "is refused as in use until that process dies, however it dies"],
      ["packages/cli/test/restored-server.test.ts", "costs neither device a file: what the copy lacks comes back from them"],
    ],
    open: "Network disks are recognized on Linux alone, and not those behind FUSE",
  },
  {
    number: 46,
    what: "An fsync failed, the next one said that all was well, and the data were gone",
    reported: "PostgreSQL's fsyncgate, 2018",
    here: "After an fsync that failed the file is thrown away and written anew",
    proofs: [
      [REPLACE, "throws the download away after an fsync that failed, and never tries that file again"],
      [FS_BLOBS, "does not try an fsync that failed again on the same file"],
      [CRASHES, "survives that any call fails with %s"],
    ],
  },
  {
    number: 47,
    what: "A rename was durable before the bytes, or the name was not durable because nobody synced the directory",
    reported: "Pillai et al., OSDI 2014; marktext#4852",
    here: "Bytes, then the name, then the metadata, each after the one before is durable",
    proofs: [
      [FS_BLOBS, "makes the bytes durable before they get their name, and the name before it answers"],
      [CRASHES, "survives the death of its process and a power loss before any call"],
    ],
  },
  {
    number: 48,
    what: "A rename was refused on Windows because a program had the file open, and the target was emptied and rewritten instead",
    reported: "write-file-atomic#28, gsd-core#1540",
    here: "It is tried again a few times and then left for later, with the old bytes as they are",
    proofs: [[REPLACE, "waits, longer each time, for a program that holds the file, and gives up after five tries more"]],
    open: "Tested with the errors that Windows gives, not on Windows",
  },
  {
    number: 49,
    what: "The answer to a commit was lost: the device took its own change for a foreign one, and an older file came back",
    reported: "FoundationDB's `commit_unknown_result`; remotely-save#1049",
    here: "Before a device reads what is new it asks what became of its own commits, and the hub rules out that one executes later",
    proofs: [
      [
        "packages/core/test/replica/twins.property.test.ts",
        "do so over a network that loses requests and answers, and when they are restarted at any moment",
      ],
      [TRANSPORT, "TR2 a commit that is sent eight times at once is executed once and answered alike"],
      [TRANSPORT, "TR3 a commit that was asked for before it came never executes"],
    ],
  },
  {
    number: 50,
    what: "Two writers read one state, both wrote, and one of them was lost",
    reported: "databases in READ COMMITTED",
    here: "An append names the stamp of the state that it was decided in, and is refused when that has moved",
    proofs: [
      [HUB_STORE, "HS3 of two appends with one stamp exactly one is appended"],
      [TRANSPORT, "TR1 32 sessions that commit at once make a journal without gaps, and no commit is lost"],
    ],
  },
];
