import type { LocalPath, LocalTree, NodeId, ReplicaStore } from "@twinfold/core";
import { describe, expect, it } from "vitest";
