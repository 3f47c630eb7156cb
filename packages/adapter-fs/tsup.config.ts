import { packageBuild } from "../../tsup.shared.js";

export default packageBuild({ entry: ["src/index.ts", "src/cut-worker.ts"], dts: { entry: "src/index.ts" } });
