import { expect, test } from '@jest/globals';
import { toBytes, toText } from '../base/bytes.js';
import { everything } from '../base/key-range.js';
import { between, type Prng, seededPrng } from '../base/prng.js';
import { VirtualDisk } from '../testing/simulation/disk/virtual-disk.js';
import type { Member } from './member.js';
import { startOnDisk } from './testing/start.js';

const SEEDS = 15;
const LIVES = 6;
const WRITERS = 5;
const KEYS = 8;
/** Small, so that the power is also cut while a segment is begun. */
const SEGMENT_BYTES = 2_048;
const OPERATIONS_A_LIFE = { least: 2, most: 60 } as const;

/** What was acknowledged last for each key, over all lives. */
type Ledger = Map<string, { readonly value: string; readonly revision: number }>;

test('over many lives, each ended by a power cut at any operation of the disk, no acknowledged write is lost', async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const prng = seededPrng(seed);
    const ledger: Ledger = new Map();
    let disk = new VirtualDisk();
    for (let life = 0; life < LIVES; life += 1) {
      await live({ disk, ledger, prng, name: `seed ${seed}, life ${life}` });
      disk = disk.afterPowerCut(life % 2 === 0 ? prng : 'nothing');
    }
    expect(ledger.size).toBeGreaterThan(0);
  }
});

interface Life {
  readonly disk: VirtualDisk;
  readonly ledger: Ledger;
  readonly prng: Prng;
  readonly name: string;
}

/** Opens the store, compares it with the ledger, and writes until the power is cut, perhaps while it still opens. */
async function live({ disk, ledger, prng, name }: Life): Promise<void> {
  let left = between(prng, OPERATIONS_A_LIFE.least, OPERATIONS_A_LIFE.most);
  let isCut = false;
  disk.fault = () => {
    isCut ||= (left -= 1) <= 0;
    return isCut ? 'power cut' : undefined;
  };
  const member = await startOnDisk(disk, { settings: { walSegmentBytes: SEGMENT_BYTES } }).catch((error: unknown) => {
    if (!isCut) throw error;
  });
  if (member === undefined) return;
  await verify(member, ledger, name);
  const write = async (writer: number) => {
    for (let i = 0; !isCut; i += 1) {
      const [key, value] = [`${writer}/${i % KEYS}`, `${name}, ${i}`];
      const put = member.put({ type: 'put', key: toBytes(key), value: toBytes(value) });
      await put.then(
        ({ revision }) => ledger.set(key, { value, revision }),
        () => expect(isCut).toBe(true),
      );
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  expect(await member.stopped).toMatchObject({ code: 'MEMBER_STOPPED' });
}

/** A write that was not acknowledged may be there too, and then it is newer. */
async function verify(member: Member, ledger: Ledger, name: string): Promise<void> {
  const { kvs } = await member.range({ type: 'range', ...everything() });
  const found = new Map(kvs.map((kv) => [toText(kv.key), kv]));
  for (const [key, { value, revision }] of ledger) {
    const kv = found.get(key);
    if (kv === undefined || kv.modRevision < revision)
      throw new Error(`${name}: ${key} of revision ${revision} is lost`);
    if (kv.modRevision === revision) expect(toText(kv.value)).toBe(value);
    expect(member.revision).toBeGreaterThanOrEqual(revision);
  }
}
