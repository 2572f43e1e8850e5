/**
 * `import 'conclave/testing/jest'` in a test, or in `setupFilesAfterEnv` of its configuration: jest's `expect` knows the matchers
 * from then on, and so does TypeScript.
 */
import { expect } from '@jest/globals';
import * as matchers from './matchers/matchers.js';

expect.extend({ ...matchers });

declare module 'expect' {
  // The names of jest's own declaration.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Matchers<R extends void | Promise<void>, T = unknown> {
    /** Of a `Mutex`: this hold, or the one with this fencing token, is the one that stands by the store's word. */
    toBeHeldBy(hold: matchers.Hold): Promise<void>;
    /** Of a `Mutex`: nobody holds it. */
    toBeFree(): Promise<void>;
    /** Of an `Election`: this leadership is the one that stands by the store's word. */
    toBeLedBy(hold: matchers.Hold): Promise<void>;
    /** Of a `Store`: what a holder writes, guarded, after it has lost its hold, is rejected. */
    toRejectStaleFence(stale: Parameters<typeof matchers.toRejectStaleFence>[1]): Promise<void>;
  }
}
