import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import { EndpointList, type Round } from './endpoint-list.js';
import { clientSettings } from './settings.js';

const ADDRESSES = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }));

function listOf(options: { chance?: number } = {}) {
  const clock = new ManualClock();
  const prng = { next: () => options.chance ?? 0 };
  const settings = clientSettings({ clock, prng, backoffMs: 100, backoffMaxMs: 400 });
  const list = new EndpointList(ADDRESSES, settings);
  const all = ADDRESSES.map((_, i) => list.round() && takeAll(list.round())[i]!);
  return { list, clock, all };
}

function takeAll(round: Round) {
  const taken = [];
  for (let next = round.next(); next; next = round.next()) taken.push(next);
  return taken;
}

const hosts = (round: Round) => takeAll(round).map(({ address }) => address.host);

describe('endpoints', () => {
  test('are tried each once, in turn from the one in use, but the one left out', () => {
    const { list, all } = listOf();
    list.chosen(all[1]!);

    expect(hosts(list.round())).toEqual(['b', 'c', 'a']);
    expect(hosts(list.round(all[2]))).toEqual(['b', 'a']);
  });

  test('are picked by chance, so that the clients of one that fails spread', () => {
    const { list } = listOf({ chance: 0.5 });

    expect(list.round().next()!.address.host).toBe('b');
  });

  test('that failed are passed over for a while that doubles up to a limit, half of it by chance', async () => {
    const { list, clock, all } = listOf();
    const waits: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      for (const endpoint of all) list.failed(endpoint, 'no');
      expect(hosts(list.round())).toEqual([]);
      waits.push(list.waitMs);
      await clock.advance(list.waitMs);
      expect(hosts(list.round())).toHaveLength(3);
    }

    expect(waits).toEqual([50, 100, 200, 200, 200]);
  });

  test('that answer well again begin anew', async () => {
    const { list, all } = listOf();
    for (let i = 0; i < 3; i += 1) list.failed(all[0]!, 'no');

    list.answered(all[0]!);

    expect(list.waitMs).toBe(0);
    list.failed(all[0]!, 'no');
    expect(all[0]!.retryAtMs).toBe(50);
  });

  test('whose while ends during a walk are still tried in it', async () => {
    const { list, clock, all } = listOf();
    list.failed(all[0]!, 'no');
    const round = list.round();
    expect(takeAll(round)).toHaveLength(2);
    expect(round.isOver).toBe(false);

    await clock.advance(50);

    expect(round.next()!.address.host).toBe('a');
    expect(round.isOver).toBe(true);
  });

  test('are described each with what went wrong there', () => {
    const { list, all } = listOf();
    list.failed(all[1]!, 'ECONNREFUSED');

    expect(list.describe()).toBe('a:1, b:1 (ECONNREFUSED), c:1');
  });

  test('that the cluster tells are tried from then on, and what is known of those that stay is kept', () => {
    const { list, all } = listOf();
    list.failed(all[0]!, 'no');

    expect(list.learn([...ADDRESSES.slice(0, 2), { host: 'd', port: 1 }])).toBe(true);

    expect(list.describe()).toBe('a:1 (no), b:1, d:1');
    expect(hosts(list.round())).toEqual(['b', 'd']);
  });

  test('that are told again change nothing, in whatever order', () => {
    const { list, all } = listOf();
    list.chosen(all[1]!);

    expect(list.learn([...ADDRESSES].reverse())).toBe(false);

    expect(hosts(list.round())).toEqual(['b', 'c', 'a']);
  });

  test('that were given are tried too while all of those that were told have just failed', async () => {
    const { list, clock } = listOf();
    list.learn([{ host: 'd', port: 1 }, ADDRESSES[2]!]);
    const [other, c] = takeAll(list.round());
    list.failed(other!, 'no');
    expect(list.describe()).toBe('d:1 (no), c:1');
    expect(list.count).toBe(4);

    list.failed(c!, 'no');

    expect(list.describe()).toBe('d:1 (no), c:1 (no), a:1, b:1');
    expect(hosts(list.round())).toEqual(['a', 'b']);
    expect(list.waitMs).toBe(0);
    list.answered(other!);
    expect(hosts(list.round())).toEqual(['d']);
    list.failed(other!, 'no');
    await clock.advance(6_000);
    expect(hosts(list.round())).toEqual(['c', 'd']);
  });
});
