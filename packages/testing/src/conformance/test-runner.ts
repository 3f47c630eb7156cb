/** What a suite needs of a test framework: `{ describe, it }` of vitest, Jest, Mocha or node:test fits. */
export interface TestRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}
