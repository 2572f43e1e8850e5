import { describe, expect, test } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { prefix } from '../base/key-range.js';
import { between, seededPrng } from '../base/prng.js';
import { open } from '../embedded/open.js';
import type { Store } from '../store.js';
import { put } from '../txn.js';
import { next } from './testing/desk-stores.js';
import { FaultyLink } from './testing/faulty-link.js';
import { after, connect } from './testing/stores.js';

const REVISIONS = 300;
const KEYS_A_REVISION = 5;

/** A member of our own behind a link that breaks whenever chance says so. */
async function behindFaultyLink(): Promise<[Store, FaultyLink]> {
  const member = await open({ memory: true }, { listen: 'http://127.0.0.1:0' });
  after(() => member.close());
  const { hostname, port } = new URL(member.clientUrl!);
  const link = await FaultyLink.open({ host: hostname, port: Number(port) });
  after(() => link.close());
  return [member, link];
}

describe('watches over a link that breaks at random', () => {
  test.each([1, 2, 3])('deliver every revision once, whole and in order (seed %d)', async (seed) => {
    const prng = seededPrng(seed);
    const [member, link] = await behindFaultyLink();
    const store = await connect([link], { prng, watchBufferEventsMax: 40, watchIdleMs: 200, watchAckTimeoutMs: 200 });
    const { revision } = await member.put('start', '');
    const watches = Array.from({ length: 4 }, () => store.watch(prefix('k/'), { from: revision + 1 }));

    const writing = (async () => {
      for (let i = 0; i < REVISIONS; i += 1) {
        const puts = Array.from({ length: KEYS_A_REVISION }, (_, n) => put(`k/${n}`, `${i}`));
        await member
          .txn()
          .do(...puts)
          .commit();
        if (prng.next() < 0.1) link.cut();
        if (prng.next() < 0.02) freezeFor(link, between(prng, 1, 300));
        if (prng.next() < 0.2) await new Promise((resolve) => setTimeout(resolve, between(prng, 0, 5)));
      }
    })();
    const reading = watches.map(async (watch, reader) => {
      const seen: string[] = [];
      while (seen.length < REVISIONS * KEYS_A_REVISION) {
        const { value } = await next(watch);
        for (const { kv } of value?.events ?? []) seen.push(`${kv.modRevision} ${toText(kv.key)}=${toText(kv.value)}`);
        // Some read slowly, so that their buffers run over.
        if (reader < 2 && prng.next() < 0.1) await new Promise((resolve) => setTimeout(resolve, 2));
      }
      return seen;
    });
    await writing;

    const expected = Array.from({ length: REVISIONS }, (_, i) =>
      Array.from({ length: KEYS_A_REVISION }, (_, n) => `${revision + 1 + i} k/${n}=${i}`),
    ).flat();
    for (const seen of await Promise.all(reading)) expect(seen).toEqual(expected);
    expect(link.connectionCount).toBeGreaterThan(3);
  });
});

describe('writes over a link that breaks at random', () => {
  test('are carried out once if they succeed, not at all if they fail safely, and at most once otherwise', async () => {
    const prng = seededPrng(4);
    const [member, link] = await behindFaultyLink();
    const store = await connect([link], { prng });
    const done: string[] = [];
    const unknown: string[] = [];

    for (let i = 0; i < 400; i += 1) {
      if (prng.next() < 0.2) setImmediate(() => link.cut());
      await store.put('counter', `${i}`).then(
        () => done.push(`${i}`),
        (error: { code?: string }) => {
          expect(error.code).toBe('OUTCOME_UNKNOWN');
          unknown.push(`${i}`);
        },
      );
    }
    await member.put('counter', 'end');

    const carriedOut: string[] = [];
    for await (const { events } of member.watch('counter', { from: 1 })) {
      carriedOut.push(...events.map(({ kv }) => toText(kv.value)));
      if (carriedOut.at(-1) === 'end') break;
    }
    expect(new Set(carriedOut).size).toBe(carriedOut.length);
    expect(carriedOut.filter((value) => !unknown.includes(value))).toEqual([...done, 'end']);
    expect(unknown.length).toBeGreaterThan(0);
  });
});

function freezeFor(link: FaultyLink, ms: number): void {
  link.freeze();
  setTimeout(() => link.thaw(), ms);
}
