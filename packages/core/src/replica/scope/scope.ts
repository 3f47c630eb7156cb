import type { NodeId } from "../../ids.js";
import { DEFAULT_RULES } from "../../ignore/default-rules.js";
import { parsePatterns, type Rule, type Rules } from "../../ignore/rules.js";
import { IGNORE_FILE, type LocalPath, nameKey, type NodeName } from "../../names.js";
import type { FileContent } from "../../node.js";
import type { Trees } from "../trees/trees.js";

/** Which files come to this device before they are asked for. */
export interface OnDemandPolicy {
  /** Files of at most so many bytes. @default 0 */
  readonly upToBytes?: number | undefined;
  /** Files that match one of these, in gitignore's syntax, from the folder's root. */
  readonly patterns?: readonly string[] | undefined;
}

export interface ScopeOptions {
  /** What this device holds, in gitignore's syntax, from the folder's root. @default everything */
  readonly only?: readonly string[] | undefined;
  /** Other files are known, and come when they are asked for. @default all files come at once */
  readonly onDemand?: OnDemandPolicy | undefined;
}

/** @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when a pattern is none. */
export function assertScope({ only = [], onDemand }: ScopeOptions): void {
  for (const patterns of [only, onDemand?.patterns ?? []]) parsePatterns(patterns, { fromRoot: true });
}

/** Why this device does not hold something. */
export type ScopeReason =
  | { readonly kind: "rule"; readonly file: LocalPath; readonly rule: Rule }
  | { readonly kind: "default"; readonly rule: Rule }
  | { readonly kind: "only" };

/** The rules that hold in one directory: its own and those of the directories above it. */
export interface Level {
  /** In normalization form C. */
  readonly path: string;
  /** Outermost first. */
  readonly files: ReadonlyArray<{ readonly directory: string; readonly rules: Rules }>;
  /** Chosen by `only`, with all below. */
  readonly isChosen: boolean;
  /** Why the directory itself is not held, and so nothing in it. */
  readonly reason: ScopeReason | undefined;
}

/** The same directory with other rules of its own. */
export function withRules(level: Level, rules: Rules | undefined): Level {
  const above = level.files.filter(({ directory }) => directory !== level.path);
  return { ...level, files: rules === undefined ? above : [...above, { directory: level.path, rules }] };
}

/** Levels that were worked out, by directory: for the length of one scan or plan. */
export type Levels = Map<NodeId, Level>;

/** What this device holds: by the ignore files on its disk, by its link's choice, and by when files come. */
export class Scope {
  readonly #trees: Trees;
  readonly #only: Rules | undefined;
  readonly #onDemand: { readonly upToBytes: number; readonly rules: Rules } | undefined;
  readonly #options: ScopeOptions;
  readonly #files = new Map<NodeId, Rules>();

  /** @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when a pattern is none. */
  constructor(trees: Trees, options: ScopeOptions) {
    this.#trees = trees;
    this.#options = options;
    this.#only = options.only && parsePatterns(options.only, { fromRoot: true });
    this.#onDemand = options.onDemand && {
      upToBytes: options.onDemand.upToBytes ?? 0,
      rules: parsePatterns(options.onDemand.patterns ?? [], { fromRoot: true }),
    };
  }

  /** Of everything that decides what is excluded: the ignore files and the choice. */
  get rulesStamp(): string {
    const files = [...this.#files].map(([nodeId, rules]) => [nodeId, rules.text]).sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
    return files.length === 0 && this.#only === undefined ? "" : JSON.stringify([files, this.#options.only]);
  }

  /** The patterns of `only`. */
  get choice(): readonly string[] | undefined {
    return this.#options.only;
  }

  /** Something may be on the disk that is nobody's business. */
  get leavesAnythingAlone(): boolean {
    return this.#files.size > 0 || this.#only !== undefined;
  }

  get onDemandStamp(): string {
    return this.#onDemand === undefined ? "" : JSON.stringify([this.#onDemand.upToBytes, this.#onDemand.rules.text]);
  }

  get isOnDemandLink(): boolean {
    return this.#onDemand !== undefined;
  }

  /** Takes in the rules that a directory has now. True when they are others than before. */
  setRules(directory: NodeId, rules: Rules | undefined): boolean {
    if (this.#files.get(directory)?.text === rules?.text) return false;
    if (rules === undefined) this.#files.delete(directory);
    else this.#files.set(directory, rules);
    return true;
  }

  rulesOf(directory: NodeId): Rules | undefined {
    return this.#files.get(directory);
  }

  /** The level of the workspace's root. */
  root(rules: Rules | undefined): Level {
    return { path: "", files: rules === undefined ? [] : [{ directory: "", rules }], isChosen: this.#only === undefined, reason: undefined };
  }

  /** The level of a directory in `parent`. */
  enter(parent: Level, name: string, rules: Rules | undefined): Level {
    const path = join(parent.path, name);
    const reason = this.reasonFor(parent, name, true);
    const chosen = this.#only?.lastMatch(path, true);
    return {
      path,
      files: rules === undefined ? parent.files : [...parent.files, { directory: path, rules }],
      isChosen: chosen === undefined ? parent.isChosen : !chosen.pattern.negated,
      reason,
    };
  }

  /** The directory's level, by where it is or would be on this disk. `undefined` when no way leads from the root to it: a hub may name any parent, its own child too. */
  async levelOf(directory: NodeId, levels: Levels): Promise<Level | undefined> {
    const way = new Map<NodeId, NodeName>();
    let at = directory;
    while (at !== this.#trees.state.rootNodeId && !levels.has(at)) {
      const record = await this.#trees.record(at);
      const place = record?.local?.place ?? record?.remote?.place ?? record?.synced?.place;
      if (place === undefined || way.has(at)) return undefined;
      way.set(at, place.name);
      at = place.parentId;
    }
    let level = levels.get(at) ?? this.root(this.#files.get(at));
    for (const [below, name] of [...way].reverse()) {
      level = this.enter(level, name, this.#files.get(below));
      levels.set(below, level);
    }
    return level;
  }

  /** Why this device does not hold something of that name in a directory; `undefined` when it does. */
  reasonFor(level: Level, name: string, isDirectory: boolean): ScopeReason | undefined {
    if (level.reason !== undefined) return level.reason;
    // Its rules are to hold on every device, whatever they say.
    if (name === IGNORE_FILE && !isDirectory) return undefined;
    const path = join(level.path, name);
    const ruled = this.#ruleFor(level, path, isDirectory);
    if (ruled !== undefined) return ruled;
    if (this.#only === undefined) return undefined;
    const chosen = this.#only.lastMatch(path, isDirectory);
    if (chosen === undefined ? level.isChosen : !chosen.pattern.negated) return undefined;
    return isDirectory && this.#only.leadsToMatch(path) ? undefined : { kind: "only" };
  }

  #ruleFor(level: Level, path: string, isDirectory: boolean): ScopeReason | undefined {
    for (let at = level.files.length - 1; at >= 0; at--) {
      const { directory, rules } = level.files[at] as Level["files"][number];
      const rule = rules.lastMatch(directory === "" ? path : path.slice(directory.length + 1), isDirectory);
      if (rule !== undefined) return rule.pattern.negated ? undefined : { kind: "rule", file: join(directory, IGNORE_FILE) as LocalPath, rule };
    }
    const rule = DEFAULT_RULES.lastMatch(path, isDirectory);
    return rule && { kind: "default", rule };
  }

  /** True when a file comes only when it is asked for. */
  isOnDemand(level: Level, name: string, content: Pick<FileContent, "sizeBytes">): boolean {
    if (this.#onDemand === undefined || name === IGNORE_FILE || content.sizeBytes <= this.#onDemand.upToBytes) return false;
    const names = join(level.path, name).split("/");
    return !names.some((_, at) => {
      const rule = this.#onDemand?.rules.lastMatch(names.slice(0, at + 1).join("/"), at < names.length - 1);
      return rule !== undefined && !rule.pattern.negated;
    });
  }

  /** A rule or policy as people know it. */
  describe(reason: ScopeReason | "on-demand"): string {
    if (reason === "on-demand") return "this folder is linked with --on-demand";
    if (reason.kind === "only")
      return `the choice of its link, --only ${(this.#options.only ?? []).map((pattern) => JSON.stringify(pattern)).join(" ")}`;
    const pattern = JSON.stringify(reason.rule.pattern.text);
    return reason.kind === "default"
      ? `the pattern ${pattern}, which is ignored without a rule`
      : `line ${reason.rule.line} of ${reason.file}, the pattern ${pattern}`;
  }
}

function join(directory: string, name: string): string {
  return directory === "" ? nameKey(name) : `${directory}/${nameKey(name)}`;
}
