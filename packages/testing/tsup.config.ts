import { packageBuild } from "../../tsup.shared.js";

export default packageBuild({ entry: { index: "src/index.ts", conformance: "src/conformance/index.ts", main: "src/main.ts" } });
