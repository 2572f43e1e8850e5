import { randomBytes } from 'node:crypto';
import { systemClock } from '../../../base/system-clock.js';
import { KVService } from '../../../rpc/gen/kv.js';
import { MemberClient } from '../../asking/member-client.js';
import { putRequest } from '../keys/requests.js';

/** Puts of random keys, from several clients at one time. */
export interface Load {
  readonly prefix: string;
  readonly clients: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Whether there is one more put to begin; may wait for its time. */
  readonly next: () => Promise<boolean>;
}

/** What came of them. Times are in seconds. */
export interface LoadResult {
  readonly putsPerSecond: number;
  readonly slowest: number;
  readonly stddev: number;
  /** How often each error came. */
  readonly errors: ReadonlyMap<string, number>;
}

const MS_PER_SECOND = 1_000;

/** Runs a load to its end, each client over a connection of its own. */
export async function runLoad(settings: MemberClient['settings'], load: Load): Promise<LoadResult> {
  const latencies: number[] = [];
  const errors = new Map<string, number>();
  const clients = Array.from({ length: load.clients }, () => new MemberClient(settings));
  const begun = systemClock.now();
  const value = Buffer.alloc(load.valueBytes);
  const work = async (client: MemberClient): Promise<void> => {
    while (await load.next()) {
      const key = Buffer.concat([Buffer.from(load.prefix), randomBytes(load.keyBytes)]);
      const asked = systemClock.now();
      try {
        await client.ask(KVService.put, { ...putRequest('', value, {}), key });
        latencies.push((systemClock.now() - asked) / MS_PER_SECOND);
      } catch (error) {
        const text = (error as Error).message;
        errors.set(text, (errors.get(text) ?? 0) + 1);
      }
    }
  };
  try {
    await Promise.all(clients.map(work));
  } finally {
    for (const client of clients) client.close();
  }
  return { ...statistics(latencies, (systemClock.now() - begun) / MS_PER_SECOND), errors };
}

function statistics(latencies: readonly number[], seconds: number): Omit<LoadResult, 'errors'> {
  const count = latencies.length;
  const mean = latencies.reduce((sum, one) => sum + one, 0) / count;
  const variance = latencies.reduce((sum, one) => sum + (one - mean) ** 2, 0) / count;
  return {
    putsPerSecond: count / seconds,
    slowest: latencies.reduce((most, one) => Math.max(most, one), 0),
    stddev: count === 0 ? 0 : Math.sqrt(variance),
  };
}
