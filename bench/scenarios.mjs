/**
 * What is measured, in the order in which it is. Each scenario has a `name`, the `competitors` that take part, `rows` (`id`, `title`, and the `figure` that the table
 * shows), and `measure({ competitor, place, scale })`, which gives the figures of each row for one competitor in one round.
 *
 * `oncePerRun`: nothing in it depends on the disk, so it is measured at the first place alone. `place`: it needs much room, and is measured there only. `option`: it is
 * left out unless that option asks for it.
 */
import { edits } from "./scenarios/edits.mjs";
import { extremes } from "./scenarios/extremes.mjs";
import { firstSyncs } from "./scenarios/first-sync.mjs";
import { latency } from "./scenarios/latency.mjs";
import { nothingChanged } from "./scenarios/nothing-changed.mjs";
import { resume } from "./scenarios/resume.mjs";
import { storeGrowth } from "./scenarios/store-growth.mjs";

export const SCENARIOS = [...firstSyncs, ...edits, latency, ...nothingChanged, resume, storeGrowth, ...extremes];
