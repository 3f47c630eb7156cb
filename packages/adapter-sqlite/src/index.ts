export { createSqliteAccountStore } from "./account-store.js";
export { createSqliteHubStore } from "./hub-store.js";
export { createSqliteReplicaStore } from "./replica-store.js";
