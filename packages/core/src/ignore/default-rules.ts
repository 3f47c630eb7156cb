import { parseRules } from "./rules.js";

/**
 * What nobody means to sync: what systems and editors leave beside people's files, for themselves, for a while.
 *
 * They go before every other rule, so that a `!` line brings one back.
 */
export const DEFAULT_PATTERNS: readonly string[] = [
  // macOS, Windows and its network folders
  ".DS_Store",
  "[Tt]humbs.db",
  "[Dd]esktop.ini",
  "$RECYCLE.BIN/",
  "System Volume Information/",
  // Open documents of Microsoft Office and LibreOffice
  "~$*",
  ".~lock.*#",
  // Vim
  "*.swp",
  "*.swo",
  // Files that were deleted while they are open, on NFS and FUSE
  ".nfs[0-9a-f]*[0-9a-f]",
  ".fuse_hidden*",
];

export const DEFAULT_RULES = parseRules(DEFAULT_PATTERNS.join("\n"));
