import type { Oracle } from "../oracle.js";
import { brake } from "./i15-brake.js";
import { convergence } from "./i1-convergence.js";
import { exactlyOnce } from "./i9-exactly-once.js";
import { feed } from "./i12-feed.js";
import { noDuplication } from "./i5-no-duplication.js";
import { noInvention } from "./i7-no-invention.js";
import { noLostUpdate } from "./i2-no-lost-update.js";
import { noResurrection } from "./i3-no-resurrection.js";
import { noSpuriousConflict } from "./i4-no-spurious-conflict.js";
import { nothingLeftOpen } from "./i18-nothing-left-open.js";
import { nothingUnlinked } from "./i15-nothing-unlinked.js";
import { referentialIntegrity } from "./i6-referential-integrity.js";
import { wellFormedTree } from "./i11-well-formed-tree.js";

const EACH = {
  convergence,
  noLostUpdate,
  noResurrection,
  noSpuriousConflict,
  noDuplication,
  referentialIntegrity,
  noInvention,
  exactlyOnce,
  wellFormedTree,
  feed,
  nothingUnlinked,
  brake,
  nothingLeftOpen,
};

/** Each makes an oracle for one world. */
export const oracles = { ...EACH, all: (): Oracle[] => Object.values(EACH).map((make) => make()) };
