import { createInProcessBus } from "@twinfold/core";
import { busConformance } from "@twinfold/testing";
import { describe, it } from "vitest";

busConformance({ describe, it }, { open: async () => createInProcessBus() });
