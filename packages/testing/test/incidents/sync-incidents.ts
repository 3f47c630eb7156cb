import type { Incident } from "./incident.js";

const CORE = "packages/core/test/replica";
const OWN = `${CORE}/incidents.test.ts`;
const DISK = "packages/testing/test/incidents/on-disk.test.ts";
const RAILS = `${CORE}/rails.test.ts`;
const REPLACE = "packages/adapter-fs/test/durable-replace.test.ts";
const WORLDS = "packages/testing/test/simulator/world.property.test.ts";
const CRASHES = "packages/testing/test/simulator/crash-points.test.ts";
const ALIASES = `${CORE}/aliases.test.ts`;
const HUB_STORE = "packages/testing/src/conformance/hub-store-conformance.ts";
const TREE = "packages/testing/src/conformance/local-tree-conformance.ts";
const END_WELL = "end well: all agree, nothing is lost, nothing comes back, nothing is made up (… worlds)";

/** Files that were lost, doubled or brought back between a folder and its server. */
export const SYNC_INCIDENTS: readonly Incident[] = [
  {
    number: 1,
    what: "A disk that was not mounted looked like a folder of which everything had been deleted, and the deletions were sent",
    reported: "syncthing#799, syncthing-android#774",
    here: "A folder is known by the random id in its marker; missing, unreadable, another one or emptied at any look, it stops the pass with an error, and what was listed does not count",
    proofs: [
      [DISK, "inc-01 and leaves the folder %s, before any call, deletes nothing anywhere"],
      [RAILS, "%s from whichever look at the disk on stops the pass with an error, and no removal is sent"],
      [RAILS, "of which one directory cannot be read in the middle of the scan loses nothing of what is in it"],
      [RAILS, "that is empty after it was full stops with an error until its content is back, or somebody says yes"],
    ],
    open: "A disk that is mounted below the folder and goes away leaves an empty directory there, which counts as emptied by a person: more than 25 removals, and more than a fifth of all, wait for a yes; fewer are sent, and the other devices have the files in their trash for 30 days. A folder of fewer than 10 entries that is emptied, with its marker in place, is believed",
  },
  {
    number: 2,
    what: "Somebody made the missing marker anew, as the error message suggested, in an empty folder: all was deleted everywhere",
    reported: "syncthing#5207, syncthing#2132",
    here: "A marker that was made or copied by hand is on another inode than the one that was synced last: the folder is merged as a new one, so that what is absent in it comes back",
    proofs: [
      [DISK, "inc-02 and whose marker somebody makes or copies into an empty folder of its name deletes nothing: the files come back"],
      [RAILS, "and empty, of %i files, gets everything back, and takes nothing from others"],
      [
        "packages/cli/test/replaced-folder.test.ts",
        "because somebody made the marker again in an empty folder, gets its %i files back and deletes none elsewhere",
      ],
    ],
  },
  {
    number: 3,
    what: "A new or restored server that knew nothing made devices wipe their folders",
    reported: "nextcloud/desktop#9259, #1801, #260, #1433",
    here: "Absence at the hub deletes nothing: only a deletion in the journal does. Every answer proves by a hash chain which history it belongs to, and another history is merged with",
    proofs: [
      [OWN, "inc-03 inc-04 costs no device a byte, however many commits its data went back and whoever comes first"],
      ["packages/cli/test/restored-server.test.ts", "costs neither device a file: what the copy lacks comes back from them"],
    ],
  },
  {
    number: 4,
    what: "A server was restored from a backup, and devices deleted what was newer than the backup unless an administrator ran a command by hand",
    reported: "owncloud/client#1038; Nextcloud's `maintenance:data-fingerprint`",
    here: "Devices notice by themselves, also when the server has passed the old place since, and send again what it lacks",
    proofs: [
      [OWN, "inc-04 is noticed also when the cursor is ahead of all that it has, and the file that it lacks goes up again"],
      [`${CORE}/restored-hub.test.ts`, "is noticed also when it has passed the old place in the meantime"],
    ],
  },
  {
    number: 5,
    what: "A listing that was cut off, empty or an error page was read as deletions",
    reported: "owncloud/client#3124, #3102, #6677, #6317, #3217, seafile#1298, nextcloud/desktop#3444",
    here: "A message is whole or refused, byte by byte; and what a list leaves out is never taken for deleted",
    proofs: [
      [OWN, "inc-05 makes no plan: with every list of the server emptied or halved, nothing is removed on either side"],
      ["packages/transport-http/test/http-transport.test.ts", "inc-05 refuses an answer of status 200 that ends after any of its bytes but the last"],
      ["packages/core/test/codec.property.test.ts", "when damaged is refused with ERR_PROTOCOL, or is another value's only encoding"],
    ],
  },
  {
    number: 6,
    what: "After a power loss downloaded files had no bytes and the right time, and were uploaded over the originals",
    reported: "nextcloud/desktop#10547",
    here: "A download is made durable beside its target before it gets the name, and both before the metadata say that it is there",
    proofs: [
      [DISK, "inc-06 inc-47 at whichever disk call of a download leaves each file that was there old or new, and uploads no empty or torn one"],
      [CRASHES, "survives the death of its process and a power loss before any call"],
    ],
  },
  {
    number: 7,
    what: "The disk was full during a download, and the empty file that was left went up after the restart",
    reported: "nextcloud/desktop#359",
    here: "Nothing but a whole, checked file gets the target's name",
    proofs: [
      [CRASHES, "survives that any call fails with %s"],
      [REPLACE, "leaves the old state or the new one, whichever call %s"],
      ["packages/cli/test/disk-full.test.ts", "of a device stops a download with ERR_NO_SPACE, keeps the old file, and goes on once there is room"],
    ],
  },
  {
    number: 8,
    what: "The server had stored no bytes, and the device then emptied its own copy",
    reported: "nextcloud/server#3056, #20584, #6152",
    here: "Bytes are named by their SHA-256, which hub and device check before they store or place anything; what fails is told and fetched or sent again",
    proofs: [
      ["packages/cli/test/damaged-chunk.test.ts", "is named with its file, never written into a folder, and keeps no other file from arriving"],
      ["packages/reference-server/test/sync-routes.test.ts", "refuse a frame whose bytes are not its id's, by name"],
      ["packages/transport-http/test/http-transport.test.ts", "takes an answer that is cut off for an unreachable server"],
    ],
  },
  {
    number: 9,
    what: "A release wrote modification times of 0 or below everywhere, and thousands of files went up again",
    reported: "nextcloud/desktop#4016, #4341, #4378, nextcloud/server#30473",
    here: "A modification time is data of 64 bits that travels with the content; another one alone is no change",
    proofs: [
      [
        `${CORE}/disk-attributes.test.ts`,
        "inc-09-odd-times: a modification time before 1970, at 0, after 2038 or far off is kept, and is no change by itself",
      ],
      [DISK, "inc-09 that are absurd cross as data: nothing fails, nothing is sent again"],
    ],
  },
  {
    number: 10,
    what: "A new local file that had not been scanned yet was overwritten by an incoming one of its name",
    reported: "syncthing#3742",
    here: "Where nothing is expected a file is put by a call that fails when there is something; the name is then looked at again",
    proofs: [
      [OWN, "inc-10 inc-11 keeps every byte, whichever step of the engine it falls before"],
      [REPLACE, "keeps in the folder what somebody writes to the file meanwhile, before whichever call"],
    ],
  },
  {
    number: 11,
    what: "An edit between the last check and the replacing of a file was lost",
    reported: "syncthing#3801; seafile#2620, nextcloud/desktop#4243, remotely-save#1049",
    here: "The old file keeps a second name while it is replaced; one that turns out to have been written to becomes a copy beside the new one",
    proofs: [
      [REPLACE, "shows a person both contents when an edit falls between the last look and the rename"],
      [REPLACE, "keeps in the folder what somebody saves over the file meanwhile, but for the moment of the rename itself"],
      [OWN, "inc-10 inc-11 keeps every byte, whichever step of the engine it falls before"],
    ],
    open: "A program that renames a file of its own over the target in the microseconds between our last look and our rename loses it: Node has no call that exchanges two names",
  },
  {
    number: 12,
    what: "`rm foo; mv bar foo`: the deletion won later, and foo was gone",
    reported: "syncthing#8036, syncthing#7032",
    here: "Nodes have ids and versions of their own: a deletion names the node that it deletes, not the name",
    proofs: [
      [OWN, "inc-12 ends with the file that was moved there, whatever devices saw of it in between"],
      [`${CORE}/exhaustive.test.ts`, "converge and lose nothing, whatever … of … operations they did"],
    ],
  },
  {
    number: 13,
    what: "A rename that changed only the case of letters deleted the file on disks that fold case",
    reported: "syncthing#1787, #7426, #8034, #2907, nextcloud/server#7452, obsidian-livesync#1168",
    here: "A rename is a new place of the same node; disks that fold names are known as such, and renamed over a passing name where they need it",
    proofs: [
      [ALIASES, "of a … on … arrives everywhere, when the other disk is …"],
      [ALIASES, "by both devices to different spellings leaves one file, with the hub's spelling"],
      [TREE, "LT12 move to another spelling changes a file's and a directory's name, and never replaces"],
    ],
  },
  {
    number: 14,
    what: "Two Unicode forms of one name made duplicates, or downloads without end",
    reported: "owncloud/client#6338, basic-memory#1275, gocryptfs#992, node#2165",
    here: "Names are kept as they are and are unique by form C; a disk that lists another form is known for it",
    proofs: [
      [ALIASES, "sees no rename and no new node in what it lists"],
      ["packages/core/test/local/name-rules.property.test.ts", "says yes only to names with one slot key, so that all of them are found by it"],
      ["packages/cli/test/names.test.ts", "of two spellings of one name in a folder one arrives, the other is reported and stays"],
    ],
  },
  {
    number: 15,
    what: "A name that Windows cannot hold (`CON.txt`, a dot at the end, `:`) stopped the whole sync",
    reported: "syncthing#7008, #7010, #7012, #10061, #8968, owncloud/client#9332",
    here: "The device that cannot hold a name shows the node under an alias and says so; the node and everything else go on",
    proofs: [
      [ALIASES, "is shown there under an alias, and said, and stays what it is"],
      ["packages/core/test/local/alias.property.test.ts", "is a name that the disk can hold, and none of Twinfold's own"],
      ["packages/core/test/local/alias.property.test.ts", "tells which node it stands for"],
    ],
    open: "The rules of Windows are tested on disks that follow them in tests, not on Windows itself",
  },
  {
    number: 16,
    what: "NTFS streams (`name::$DATA`) and short names (`GIT~1`) led into protected folders",
    reported: "git CVE-2019-1352, node-tar CVE-2021-37712",
    here: "Twinfold's own folder is refused under every spelling by which a disk would open it; names of the form of a short name get an alias on disks that have those",
    proofs: [
      ["packages/core/test/names.property.test.ts", "knows Twinfold's own folder under every spelling of upper case and ignored code points"],
      ["packages/adapter-fs/test/hostile-names.property.test.ts", "never lead out of the root, nor into Twinfold's own folder, on a disk …"],
    ],
  },
  {
    number: 17,
    what: "Conflict copies of conflict copies, by the thousand",
    reported: "seafile-client#243, owncloud/client#129, #18, #333, syncthing#2282, #2619",
    here: "Equal bytes are no conflict, every device makes the same copy, and a copy in conflict is a copy of the first file",
    proofs: [
      [
        `${CORE}/conflicts.test.ts`,
        "is one copy fewer than there are versions, of one name and one node on every device, and none of equal versions",
      ],
      [`${CORE}/conflicts.test.ts`, "makes no copies of copies: a copy that is changed on two devices makes one more copy of the first file"],
    ],
  },
  {
    number: 18,
    what: "Linking a folder that had its files already marked all of them as conflicts",
    reported: "owncloud/client#18",
    here: "The first sync compares contents: equal files become one node, and nothing is sent",
    proofs: [
      [`${CORE}/situations.test.ts`, "two folders with the same 1,200 files are linked without a conflict; the later sends and fetches no content"],
    ],
  },
  {
    number: 19,
    what: "Deleted files came back from a device that had been away for so long that the deletions were forgotten",
    reported: "syncthing#1075, #3563, #492, #10023",
    here: "A deletion stays in the journal, and a device that comes back reads from where it was",
    proofs: [
      [RAILS, "brings back nothing that was deleted meanwhile, keeps what it made and changed, and takes what is new"],
      [WORLDS, END_WELL],
    ],
    open: "The journal is never compacted in this release, so no deletion is forgotten. A device that lost its metadata is as new: a file that was deleted meanwhile goes up again from it, and an older version of a file becomes a conflict copy",
  },
  {
    number: 20,
    what: "A repair of metadata brought back files that had been deleted up to eight years before",
    reported: "Dropbox, January 2017",
    here: "`twinfold doctor --repair` mends what can be proved, by ordinary changes",
    proofs: [[OWN, "inc-20 brings nothing back that somebody deleted"]],
  },
  {
    number: 21,
    what: "A restart in the middle of a change of selective sync deleted files on the server",
    reported: "Dropbox, 2014; nextcloud/desktop#8953, #6162",
    here: "What a device does not hold is a state of its own, from which no removal can be planned",
    proofs: [
      [`${CORE}/scope.property.test.ts`, "remove nothing at the hub, and nothing from a disk but what is freed, because rules or choices change"],
      [
        "packages/core/test/reconcile/reconcile.property.test.ts",
        "deletes nothing when a node is held no more and held again, whatever the order and whatever was seen between",
      ],
      [`${CORE}/ignore.test.ts`, "hold through a restart, and when they change while no process runs"],
    ],
  },
  {
    number: 22,
    what: "A device's database was out of step, and months of files vanished from people's view",
    reported: "Google Drive for desktop, November 2023",
    here: "What was not sent yet is where the person put it, in the folder; without its metadata a device merges",
    proofs: [
      [OWN, "inc-22 deletes nothing and keeps every byte, at whichever write the loss fell"],
      [ALIASES, "knows its nodes by their aliases, and makes nothing twice"],
    ],
  },
  {
    number: 23,
    what: "The newer modification time won, and an empty note that an app made at its start was the newer one",
    reported: "remotely-save#1063, obsidian-livesync#539, syncthing#61",
    here: "Versions know what they were made from; no clock decides anything",
    proofs: [
      [OWN, "inc-23 decide nothing: an edit stands over what it was made from, and an empty note of tomorrow loses no older text"],
      [WORLDS, END_WELL],
    ],
  },
  {
    number: 24,
    what: "An automatic merge lost lines",
    reported: "obsidian-livesync#994, #122, obsidian-headless#42",
    here: "Text is merged only where a person asks for it; both versions stay revisions, and where the changes meet both files are kept",
    proofs: [
      [`${CORE}/merge-text.test.ts`, "have one file with both sides' lines, and both versions among its revisions"],
      [`${CORE}/merge-text.test.ts`, "keep both files where the changes meet"],
    ],
  },
  {
    number: 25,
    what: "Two writes of one size in one tick of the disk's clock: the second was never seen",
    reported: "git's racy-git.txt; git-annex, 2018",
    here: "A file that was read within a tick of its last write is read again at the next look; a disk that keeps whole seconds is given two",
    proofs: [
      [DISK, "inc-25 that the disk keeps to %i ms hide no edit of the same size in the same tick"],
      [TREE, "LT1 two equal stats mean that nothing was written in between"],
    ],
    open: "On a disk that keeps whole seconds, an edit of the same size in the same tick that meets an incoming version goes to the trash instead of beside it",
  },
  {
    number: 26,
    what: "A program put the modification time back after it changed the bytes, and the change was missed",
    reported: "restic#2179, restic#5711",
    here: "The inode and the time of the last change of any kind count too; `twinfold doctor` reads everything",
    proofs: [
      [DISK, "inc-26 that a program puts back after it changed a byte hide nothing"],
      [`${CORE}/checkup.test.ts`, "finds bytes that changed under unchanged time stamps, puts them in the trash, and the file comes again"],
    ],
  },
  {
    number: 27,
    what: "`chmod -R` or hard links made everything go up again",
    reported: "restic#2495, restic#2819",
    here: "The files are read again here, and found to be equal: nothing is sent",
    proofs: [[DISK, "inc-27 and modes that change without content send nothing, and make no revision"]],
  },
  {
    number: 28,
    what: "A new file had the inode number of a deleted one, and was taken for it",
    reported: "restic#2823; FUSE disks",
    here: "An inode counts with the time at which it was made, and says at most that a name changed; the bytes are always read",
    proofs: [[DISK, "inc-28 that a new file has from one that was deleted mixes up no bytes, here or where the deleted one was edited"]],
    open: "On a disk that does not tell when an inode was made the new file continues the history of the deleted one, and an edit of that elsewhere becomes a conflict copy beside it",
  },
  {
    number: 29,
    what: "An editor's way of saving looked like a deletion and a new file: history was lost, or the file",
    reported: "nextcloud/desktop#1250, redmine_dmsf#1413, sn-filesync#43, claude-code#65229",
    here: "A name that holds an unknown inode keeps its node, and a name that vanished is waited for",
    proofs: [
      [DISK, "inc-29 leaves one file with its history, as an edit"],
      [DISK, "inc-29 loses nothing and doubles nothing when it is looked at between any two steps"],
    ],
  },
  {
    number: 30,
    what: "The watcher lost events, or died without a word, and changes never went up",
    reported: "chokidar#1112, #531, #552, #592, atom/watcher#35; nextcloud/desktop#9417",
    here: "Events are hints: everything is looked at when a sync begins and every ten minutes, and `twinfold status` tells the age of the oldest change that has not gone up",
    proofs: [[OWN, "inc-30 is made up for by the rescan: what changed without a hint arrives"]],
  },
  {
    number: 31,
    what: "A file that was being written went up half old and half new",
    reported: "many",
    here: "A file whose stat moves while it is read is read again; chunks that are not what they were are not sent",
    proofs: [
      ["packages/cli/test/changing-file.test.ts", "arrives in whole versions only, never half old and half new"],
      [TREE, "LT2 read of a file that changes meanwhile rejects before it ends"],
    ],
  },
  {
    number: 32,
    what: "Directories moved on two devices at once were doubled, or into each other",
    reported: "Kleppmann et al., 2021; Dropbox's CanopyCheck",
    here: "The hub judges every move in the tree after it; the later of two that would make a cycle is taken back",
    proofs: [
      [`${CORE}/exhaustive.test.ts`, "converge and lose nothing, whatever … of … operations they did"],
      ["packages/core/test/hub/judge-commit.property.test.ts", "leaves a tree after every commit: live parents, one node for a name, no cycles"],
    ],
  },
  {
    number: 33,
    what: "A directory was deleted with children that the deleting device had never seen, or that were ignored",
    reported: "syncthing#1710",
    here: "Deletions name every node; a directory goes only when it is empty of all else, and otherwise it stays",
    proofs: [
      [TREE, "LT7 remove takes an empty directory, and no other"],
      ["packages/core/test/hub/commit.test.ts", "keeps a directory whose deletion meets a child that stays, and deletes the other children"],
      [`${CORE}/ignore.test.ts`, "keep ignored files and their directory on the disk when the directory is deleted elsewhere; nothing comes back"],
    ],
  },
  {
    number: 34,
    what: "Two devices with one identity, from a copied disk, took each other's numbers",
    reported: "Syncthing's documentation",
    here: "The hub keeps the hash of each commit: another one under its number is refused, and the device takes an id of its own and merges",
    proofs: [
      [OWN, "inc-34 that runs twice from one copy of it loses nothing of what either copy does"],
      ["packages/cli/test/cloned-device.test.ts", "and of which both run, loses nothing of what either does, and both become one again"],
    ],
  },
  {
    number: 35,
    what: "`_` and `%` in a folder's name matched other folders in SQL, and those were moved or deleted",
    reported: "ownCloud core#16580, statamic#8826, Octop#889, fermata#173",
    here: "A tree is kept by the ids of parents, names are compared byte by byte, and no query matches by pattern",
    proofs: [
      [HUB_STORE, "HS7 names are told apart byte by byte"],
      ["packages/testing/src/conformance/replica-store-conformance.ts", "RS6 names are told apart byte by byte"],
      ["packages/testing/src/conformance/blob-store-conformance.ts", "BS7 what a prefix holds means only itself"],
    ],
  },
  {
    number: 36,
    what: "Numbers from a database's sequence became visible out of order, and readers of the feed skipped rows for ever",
    reported: "event-driven.io, 2022; sequinstream",
    here: "A change gets its number in the append that stores it, under the stamp of its workspace",
    proofs: [
      [HUB_STORE, "HS3 32 concurrent writers make a journal without gaps, and no row is lost"],
      ["packages/core/test/hub/commit.test.ts", "keeps seqs gapless and loses nothing under 32 concurrent committers on two hubs of one store"],
      [WORLDS, END_WELL],
    ],
  },
];
