import { packageBuild } from "../../tsup.shared.js";

export default packageBuild({ dts: { compilerOptions: { lib: ["ES2023", "DOM"], types: [] } } });
