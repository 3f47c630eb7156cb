export { createNodeEnv } from "./node-env.js";
