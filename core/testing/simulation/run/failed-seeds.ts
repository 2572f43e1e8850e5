import type { SeedTask } from './seed-result.js';

/** A seed that once found something wrong with the product. */
export interface FailedSeed extends SeedTask {
  /** What was wrong. */
  readonly found: string;
}

/**
 * Every seed that ever failed because of a bug of the product, with its world and the faults that it takes pinned as data,
 * so that it stays the same when drawing changes. They are run before any other.
 */
export const FAILED_SEEDS: readonly FailedSeed[] = [
  {
    found: 'a message larger than the queue to another member was dropped for ever, so a new member never caught up',
    seed: 62,
    options: {
      mode: 'usual',
      voterCount: 3,
      learnerCount: 0,
      clientCount: 3,
      keyCount: 16,
      clientLimits: {
        requestTimeoutMs: 400,
        retriesMax: 1,
        retryTimeoutMs: 800,
        dialTimeoutMs: 500,
        connectTimeoutMs: 500,
        backoffMaxMs: 100,
      },
      safetyMs: 32217,
      settings: {
        heartbeatMs: 101,
        electionTimeoutMs: 521,
        requestTimeoutMs: 500,
        readRetryMs: 500,
        healthyAfterMs: 2000,
        learnersMax: 2,
        promoteLagEntries: 5,
        leaseScanMs: 398,
        readsMax: 34,
        watchQueueEventsMax: 16,
        watchCatchUpRevisionsMax: 12,
        inflightMessagesMax: 2,
        peerQueueBytesMax: 63530,
      },
      otherSettings: {
        heartbeatMs: 101,
        electionTimeoutMs: 521,
        requestTimeoutMs: 500,
        readRetryMs: 500,
        healthyAfterMs: 500,
        learnersMax: 2,
        snapshotsSentMax: 2,
        leaseScanMs: 326,
        proposalsMax: 35,
        readsMax: 37,
        uncommittedBytesMax: 45293,
        logKeptEntries: 13,
        watchQueueEventsMax: 8,
        watchCatchUpRevisionsMax: 3,
      },
      network: {
        minDelayMs: 1,
        meanDelayMs: 1.2,
        isFifo: false,
      },
      autoPromote: false,
      clockErrorMax: 0.01,
    },
    faults: [
      {
        atMs: 30213,
        kind: 'wiped disk',
        victim: {
          role: 'any',
          pick: 160,
        },
        downMs: 1219,
      },
    ],
  },
];
