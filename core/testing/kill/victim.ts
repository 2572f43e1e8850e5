/**
 * A process that opens a data folder, tells what it found there, and then writes until it is killed. Whatever was
 * acknowledged it tells at once, with a synchronous write, so that a kill takes nothing back of what it said.
 */
import { writeSync } from 'node:fs';
import { prefix } from '../../base/key-range.js';
import { toText } from '../../base/bytes.js';
import { open } from '../../embedded/open.js';
import type { Store } from '../../store.js';
import { put } from '../../txn.js';

/** A line of what the victim tells. */
export type Told =
  | {
      readonly kind: 'found';
      readonly revision: number;
      readonly keys: readonly (readonly [key: string, value: string, modRevision: number])[];
      readonly leases: readonly string[];
    }
  | { readonly kind: 'acknowledged'; readonly key: string; readonly value: string; readonly revision: number }
  | { readonly kind: 'granted' | 'renewed'; readonly lease: string; readonly key: string };

const WRITERS = 8;
const KEYS_A_WRITER = 20;
const STDOUT = 1;

const [dataDir, round] = process.argv.slice(2) as [string, string];
const store = await open({ dataDir });
await tellWhatIsThere(store);
await Promise.all([...Array.from({ length: WRITERS }, (_, writer) => write(store, writer)), holdLease(store)]);

async function tellWhatIsThere(from: Store): Promise<void> {
  const { kvs, revision } = await from.range(prefix(''));
  tell({
    kind: 'found',
    revision,
    keys: kvs.map((kv) => [toText(kv.key), toText(kv.value), kv.modRevision]),
    leases: (await from.leases()).map(String),
  });
}

/** Puts single keys, and every fourth time two keys in one transaction. */
async function write(to: Store, writer: number): Promise<void> {
  for (let n = 0; ; n += 1) {
    const key = `writer/${writer}/${n % KEYS_A_WRITER}`;
    const value = `${round}.${n}`;
    if (n % 4 === 3) {
      const { revision } = await to
        .txn()
        .do(put(key, value), put(`${key}/twin`, value))
        .commit();
      tell({ kind: 'acknowledged', key, value, revision });
      tell({ kind: 'acknowledged', key: `${key}/twin`, value, revision });
    } else {
      tell({ kind: 'acknowledged', key, value, revision: (await to.put(key, value)).revision });
    }
  }
}

/** A lease that outlives many kills, with a key that must live as long. */
async function holdLease(of: Store): Promise<void> {
  const lease = await of.grantLease('60s');
  const key = `leased/${round}`;
  await of.put(key, round, { lease });
  tell({ kind: 'granted', lease: String(lease.id), key });
  for (;;) {
    await lease.keepAlive();
    tell({ kind: 'renewed', lease: String(lease.id), key });
  }
}

function tell(told: Told): void {
  writeSync(STDOUT, `${JSON.stringify(told)}\n`);
}
