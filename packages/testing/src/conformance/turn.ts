/** Lets timers, disks and messages go on. A loop that waits for something else has to, or it waits for ever. */
export const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
