import { setTimeout as delay } from 'node:timers/promises';
import type { MemberProcess } from './member-process.js';
import type { ProcessCluster } from './process-cluster.js';

const EVERY_MS = 2_000;

/** Kills until it is stopped. */
export interface Killer {
  /** How many were killed so far. */
  readonly killCount: number;
  /** Ends it; resolves when all members serve. Throws if one of them does not come back. */
  stop(): Promise<void>;
}

/** Every two seconds kills one member, each in its turn, so the leader too, and starts it again; one at a time is away. */
export function killEveryTwoSeconds(cluster: ProcessCluster): Killer {
  const stop = new AbortController();
  let killCount = 0;
  const killing = (async () => {
    for (; !stop.signal.aborted; killCount += 1) {
      const member = cluster.members[killCount % cluster.members.length] as MemberProcess;
      await cluster.kill(member);
      await cluster.start(member);
      await cluster.untilServing();
      await delay(EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  // It is told to whoever stops it.
  killing.catch(() => undefined);
  return {
    get killCount() {
      return killCount;
    },
    async stop() {
      stop.abort();
      await killing;
    },
  };
}
