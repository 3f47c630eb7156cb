/** Packages from the top of the house to its ground; each may import only those that it lists. Tests may import `testing` besides. */
const MAY_IMPORT = {
  core: [],
  "adapter-fs": ["core"],
  "adapter-sqlite": ["core"],
  "adapter-s3": ["core"],
  "adapter-indexeddb": ["core"],
  "transport-http": ["core"],
  testing: ["core", "adapter-fs"],
  "reference-server": ["core", "adapter-fs", "adapter-s3", "adapter-sqlite"],
  cli: ["core", "adapter-fs", "adapter-sqlite", "transport-http", "reference-server"],
};

/** Folders of core/src, and which others each may import. The files beside them are the nouns that all may use. */
const CORE_LAYERS = {
  codec: [],
  hashing: [],
  compression: [],
  chunking: [],
  delta: ["codec", "chunking", "hashing", "storage"],
  ignore: [],
  reconcile: ["codec", "local"],
  storage: ["codec", "compression", "hashing", "metadata"],
  metadata: ["codec"],
  bus: [],
  local: ["codec", "chunking", "hashing"],
  transport: ["codec", "delta", "storage"],
  hub: ["bus", "codec", "compression", "chunking", "delta", "hashing", "metadata", "storage", "transport"],
  replica: ["codec", "compression", "chunking", "delta", "hashing", "ignore", "local", "metadata", "reconcile", "storage", "transport"],
};

const core = "^packages/core/src/";

/** The public places of packages besides their indexes: `@twinfold/testing/conformance` and `@twinfold/transport-http/node`. */
const CONFORMANCE_INDEX = "^packages/testing/src/conformance/index\\.ts$";
const NODE_INDEX = "^packages/transport-http/src/node/index\\.ts$";

const packageRules = Object.entries(MAY_IMPORT).map(([name, allowed]) => ({
  name: `${name}-imports-down`,
  comment: `packages/${name} may import ${allowed.join(", ") || "no other package"}: arrows of import point down.`,
  severity: "error",
  from: { path: `^packages/${name}/src/` },
  to: { path: "^packages/", pathNot: `^packages/(${[name, ...allowed].join("|")})/` },
}));

const layerRules = Object.entries(CORE_LAYERS).map(([folder, allowed]) => ({
  name: `core-${folder}-layer`,
  comment: `core/src/${folder} may import core's nouns and ${allowed.join(", ") || "no other folder"}.`,
  severity: "error",
  from: { path: `${core}${folder}/` },
  to: { path: `${core}[^/]+/`, pathNot: `${core}(${[folder, ...allowed].join("|")})/` },
}));

export default {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: { path: "^(packages|examples)/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    ...packageRules,
    ...layerRules,
    {
      name: "core-runs-anywhere",
      comment: "Core imports no module of a platform.",
      severity: "error",
      from: { path: core },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "transport-http-runs-in-browsers",
      comment: "What needs Node is in its folder `node`, which only `@twinfold/transport-http/node` opens.",
      severity: "error",
      from: { path: "^packages/transport-http/src/", pathNot: "/src/node/" },
      to: { path: "^packages/transport-http/src/node/|^(node:)?(http|https|net|tls|buffer|stream)$" },
    },
    {
      name: "core-has-four-dependencies",
      severity: "error",
      from: { path: core },
      to: { path: "node_modules/", pathNot: "node_modules/(@noble/hashes|fflate|mitt|node-diff3)/" },
    },
    {
      name: "core-folders-are-documented",
      comment: "A new folder in core needs its place among the layers.",
      severity: "error",
      from: { path: core },
      to: { path: `${core}[^/]+/`, pathNot: `${core}(${Object.keys(CORE_LAYERS).join("|")})/` },
    },
    {
      name: "nothing-imports-the-index-from-inside",
      severity: "error",
      from: { path: "^packages/([^/]+)/src/", pathNot: "/src/(index|main)\\.ts$" },
      to: { path: "^packages/$1/src/index\\.ts$" },
    },
    {
      name: "packages-meet-at-their-index",
      comment: "What another package's index does not export is not public.",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/[^/]+/src/", pathNot: ["^packages/$1/", "/src/index\\.ts$", CONFORMANCE_INDEX, NODE_INDEX] },
    },
    {
      name: "examples-use-public-names",
      severity: "error",
      from: { path: "^examples/" },
      to: { path: "^packages/[^/]+/src/", pathNot: ["/src/index\\.ts$", CONFORMANCE_INDEX, NODE_INDEX] },
    },
    {
      name: "conformance-runs-anywhere",
      comment: "An adapter of a browser is checked in the browser: the suites import core alone.",
      severity: "error",
      from: { path: "^packages/testing/src/conformance/" },
      to: { pathNot: ["^packages/testing/src/conformance/", "^packages/core/"] },
    },
    { name: "not-to-tests", severity: "error", from: { path: "/src/" }, to: { path: "/test/" } },
    { name: "not-to-unresolvable", severity: "error", from: { path: "/src/" }, to: { couldNotResolve: true } },
    { name: "file-names-say-what", severity: "error", from: {}, to: { path: "/(util|utils|helper|helpers|misc|common)[.]ts$" } },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/dist/" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "default"] },
  },
};
