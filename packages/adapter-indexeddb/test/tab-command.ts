import { parseNodeId, parseWorkspaceId } from "@twinfold/core";

export const WORKSPACE = parseWorkspaceId("1".repeat(32));
export const NODE = parseNodeId("2".repeat(32));

/** What a tab can be told. It answers with what came of it, or with the code of the error. */
export interface TabCommand {
  readonly action: "open" | "write" | "read" | "close";
  readonly storeName: string;
}
