// In:    a name and tests.
// Out:   a uvu suite that runs without being told to.
// Never: lets a suite pass because somebody forgot to run it.

import { suite as uvuSuite } from "uvu";

export interface Suite {
  (name: string, test: () => unknown): void;
  before(hook: () => unknown): void;
  after(hook: () => unknown): void;
}

/** A suite of tests, run when the file has been read. */
export function suite(name: string): Suite {
  const tests = uvuSuite(name);
  queueMicrotask(() => tests.run());
  const add = (title: string, test: () => unknown): void =>
    tests(title, async () => {
      await test();
    });
  return Object.assign(add, {
    before: (hook: () => unknown): void =>
      tests.before(async () => {
        await hook();
      }),
    after: (hook: () => unknown): void =>
      tests.after(async () => {
        await hook();
      }),
  });
}

/**
 * True where `reason` keeps a test from running here: says so, and counts it as skipped. With CI=true nothing may be
 * missing, and this throws.
 */
export function skip(name: string, reason: string): void {
  if (process.env.CI === "true") throw new Error(`${name} cannot run: ${reason}`);
  console.log(`SKIPPED ${name}: ${reason}`);
}
