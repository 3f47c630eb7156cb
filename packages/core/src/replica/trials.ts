/**
 * When to try what may not pay: after each try in vain twice as many times are left out as after the one before. So of n times about log n are in vain,
 * and what begins to pay is noticed.
 */
export class Trials {
  #leftOut = 0;
  #toLeaveOut = 1;

  /** Asked once for each time. */
  isDue(): boolean {
    if (this.#leftOut === 0) return true;
    this.#leftOut -= 1;
    return false;
  }

  note(paid: boolean): void {
    this.#leftOut = paid ? 0 : this.#toLeaveOut;
    this.#toLeaveOut = paid ? 1 : 2 * this.#toLeaveOut;
  }
}
