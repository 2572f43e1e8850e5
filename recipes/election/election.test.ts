import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CompactedError, ServerError, UnavailableError } from '../../core/base/errors.js';
import { settle } from '../../core/testing/manual-clock.js';
import { put } from '../../core/txn.js';
import { recordSettings } from '../settings.js';
import type { FaultyStore } from '../testing/faulty-store.js';
import { openWorld, track, type World } from '../testing/world.js';
import { Election, type ElectionOptions, type Leader } from './election.js';
import type { Leadership } from './leadership.js';

const LINE = 'conclave/election/builder/c/';

interface Node {
  readonly url: string;
}

let world: World;
let readers: AsyncGenerator[];

beforeEach(async () => {
  world = await openWorld();
  readers = [];
});
afterEach(async () => {
  await world.close();
  await Promise.allSettled(readers.map((reader) => reader.return(undefined)));
});

/** An election as seen by a process of its own. */
const election = (options: ElectionOptions<Node> = {}, store: FaultyStore = world.elsewhere()) =>
  new Election<Node>(store, { name: 'builder', ...options });
const line = () => world.keys(LINE);

/** What an observer is told, as texts; `none` while nobody leads. */
const observed = (observer: Election<Node>, signal?: AbortSignal) => {
  const seen: string[] = [];
  const iterator = observer.observe(signal ? { signal } : {});
  readers.push(iterator);
  const read = async () => {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      seen.push(next.value?.value.url ?? 'none');
    }
  };
  const ended = track(read());
  return { seen, ended };
};

/** Ends the lease of whoever leads. */
const loseLeadership = async () => {
  const leader = (await election().leader()) as Leader<Node>;
  await world.inner.lease(leader.lease).revoke();
  await world.clock.advance(6_000);
};

describe('campaigning', () => {
  test('candidates lead in the order in which they stood, each with a higher term', async () => {
    const one = await election().campaign({ url: 'one' });
    const other = track(election().campaign({ url: 'other' }));
    await settle();
    expect((await election().leader())?.value).toEqual({ url: 'one' });
    expect((await election().candidates()).map(({ value }) => value.url)).toEqual(['one', 'other']);

    expect(await one.resign()).toBe('released');
    await settle();

    expect(other.value?.term).toBeGreaterThan(one.term);
    expect((await election().leader())?.term).toBe(other.value?.term);
  });

  test('who leads and who stands tell of themselves, the proclaimed value apart from the metadata', async () => {
    await election({ metadata: { zone: 'eu' } }).campaign({ url: 'one' }, { metadata: { rank: 1 } });
    const leader = await election().leader();
    expect(leader).toMatchObject({ value: { url: 'one' }, metadata: { zone: 'eu', rank: 1 }, pid: process.pid });
    expect(leader?.metadata).not.toHaveProperty('value');
    expect(leader?.term).toBe(leader?.fencingToken);
  });

  test("a candidate that names no value proclaims the election's, or none", async () => {
    const usual = await election({ value: { url: 'usual' } }).campaign();
    expect((await election().leader())?.value).toEqual({ url: 'usual' });
    await usual.resign();
    await election().campaign();
    expect((await election().leader())?.value).toBeUndefined();
  });

  test('a candidacy that is called off leaves nothing', async () => {
    await election().campaign();
    const waiting = track(election().campaign(undefined, { timeout: '2s' }));
    await world.clock.advance(2_000);
    expect(waiting.error).toMatchObject({ code: 'TIMEOUT', message: 'election builder took longer than 2000 ms' });
    expect(await line()).toHaveLength(1);
  });

  test('a candidate whose lease died in the line never leads', async () => {
    const leader = await election().campaign();
    const waiting = track(election().campaign({ url: 'dead' }));
    await settle();
    const [, candidate] = await election().candidates();
    // Both at one moment: the place goes, and the way to the front is free.
    await Promise.all([world.inner.lease(candidate?.lease as bigint).revoke(), leader.resign()]);
    await settle();
    expect(waiting.error).toMatchObject({ code: 'SESSION_LOST' });
    expect(await election().leader()).toBeUndefined();
  });

  test.each(['loseReply', 'loseRequest'] as const)(
    'a candidacy of which any call ends with %s is elected once',
    async (kind) => {
      for (let nth = 2; ; nth += 1) {
        const leader = await election().campaign();
        const store = world.elsewhere();
        store.onCall = ({ number }) => (number === nth ? { kind } : undefined);
        const waiting = track(election({}, store).campaign());
        await world.clock.advance(100);
        await leader.resign();
        await world.clock.advance(100);
        expect(await line()).toHaveLength(1);
        const resigning = track((waiting.value as Leadership<Node>).resign());
        await world.clock.advance(100);
        expect(resigning.value).toBe('released');
        expect(await line()).toEqual([]);
        if (store.calls.length < nth) return;
      }
    },
  );
});

describe('proclaiming', () => {
  test('a proclamation replaces the value and keeps term, place and origin', async () => {
    const leadership = await election().campaign({ url: 'one' });
    const before = (await election().leader()) as Leader<Node>;
    await leadership.proclaim({ url: 'two' });
    expect(await election().leader()).toEqual({ ...before, value: { url: 'two' } });
  });

  test('proclamations follow each other in the order of the calls, also when an answer is lost', async () => {
    const store = world.elsewhere();
    const leadership = await election({}, store).campaign();
    const callCount = store.calls.length;
    store.onCall = ({ number }) => (number === callCount + 1 ? { kind: 'loseReply' } : undefined);

    const all = track(Promise.all([leadership.proclaim({ url: 'one' }), leadership.proclaim({ url: 'two' })]));
    await world.clock.advance(1_000);

    expect(all).toMatchObject({ done: true });
    expect(all.error).toBeUndefined();
    expect((await election().leader())?.value.url).toBe('two');
  });

  test('a leader that was deposed cannot proclaim, and learns that it is deposed', async () => {
    const leadership = await election().campaign({ url: 'one' });
    await world.inner.delete((await line())[0] as string);
    await expect(leadership.proclaim({ url: 'two' })).rejects.toMatchObject({ code: 'HOLD_LOST' });
    expect(leadership.signal.aborted).toBe(true);
    expect(await line()).toEqual([]);
    await expect(leadership.guard(world.inner.txn()).do(put('x', '')).commit()).rejects.toMatchObject({
      code: 'HOLD_LOST',
    });
  });

  test('a leader that has resigned cannot proclaim', async () => {
    const leadership = await election().campaign({ url: 'one' });
    await leadership.resign();
    await expect(leadership.proclaim({ url: 'two' })).rejects.toMatchObject({ code: 'NOT_HELD' });
  });

  test('a value that JSON cannot hold is refused', async () => {
    const leadership = await new Election<unknown>(world.store, { name: 'builder' }).campaign('one');
    await expect(leadership.proclaim(1n)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'value' });
  });
});

describe('leading', () => {
  test('the work runs while leading, and the next candidate follows it', async () => {
    const terms: number[] = [];
    const work = (leadership: Leadership<Node>) => {
      leadership.assertHeld();
      terms.push(leadership.term);
    };
    await Promise.all([election().lead(work), election().lead(work)]);
    expect(terms).toHaveLength(2);
    expect(terms[1]).toBeGreaterThan(terms[0] as number);
    expect(await line()).toEqual([]);
  });

  test("the work's error is thrown as it is, also when it is to requeue and the resignation fails", async () => {
    const store = world.elsewhere();
    const error = new Error('business');
    const leading = election({}, store).lead(
      () => {
        store.onCall = () => ({ kind: 'fail', error: new ServerError('no') });
        throw error;
      },
      { requeue: true },
    );
    await expect(leading).rejects.toBe(error);
  });

  test('work that ends after the leadership was lost is reported', async () => {
    await expect(election().lead(loseLeadership)).rejects.toMatchObject({ code: 'HOLD_LOST' });
  });

  test('with requeue it stands again after the work, and after a loss', async () => {
    const controller = new AbortController();
    const terms: number[] = [];
    const leading = election().lead(
      async (leadership) => {
        terms.push(leadership.term);
        if (terms.length === 2) await loseLeadership();
        if (terms.length === 2) leadership.signal.throwIfAborted();
        if (terms.length === 4) controller.abort(new Error('enough'));
      },
      { requeue: true, signal: controller.signal },
    );
    await expect(leading).rejects.toThrow('enough');
    expect(terms).toHaveLength(4);
    expect([...new Set(terms)].sort((a, b) => a - b)).toEqual(terms);
    expect(await line()).toEqual([]);
  });

  test('with requeue it stands again after its place in the line was lost, and while the store is away', async () => {
    const leader = await election().campaign();
    const store = world.elsewhere();
    const worked = track(
      new Promise(
        (resolve) =>
          void election({}, store)
            .lead(resolve, { requeue: true })
            .catch(() => {}),
      ),
    );
    await settle();
    const [, candidate] = await election().candidates();
    await world.inner.lease(candidate?.lease as bigint).revoke();
    store.onCall = ({ number }) =>
      number % 2 === 0 ? { kind: 'fail', error: new UnavailableError('away') } : undefined;
    await world.clock.advance(1_000);
    expect(await line()).toHaveLength(2);

    await leader.resign();
    await world.clock.advance(1_000);
    expect(worked.done).toBe(true);
  });

  test('its signal stops the work first, and resigns when that has come to its end', async () => {
    const controller = new AbortController();
    let workEnds = () => {};
    const seen: unknown[] = [];
    const leading = track(
      election().lead(
        async (leadership) => {
          await new Promise<void>((resolve) => (workEnds = resolve));
          leadership.assertHeld();
          seen.push(leadership.signal.reason);
        },
        { signal: controller.signal },
      ),
    );
    await settle();
    controller.abort(new Error('shutting down'));
    await settle();
    expect(await line()).toHaveLength(1);

    workEnds();
    await settle();
    expect(seen).toEqual([new Error('shutting down')]);
    expect(leading.error).toEqual(new Error('shutting down'));
    expect(await line()).toEqual([]);
  });

  test('a timeout bounds the wait, also with requeue', async () => {
    await election().campaign();
    const leading = track(election().lead(() => {}, { requeue: true, timeout: '3s' }));
    await world.clock.advance(3_000);
    expect(leading.error).toMatchObject({ code: 'TIMEOUT' });
  });

  test('elected is followed by resigned or lost', async () => {
    const builder = election();
    const seen: string[] = [];
    builder.on('elected', () => seen.push('elected'));
    builder.on('resigned', () => seen.push('resigned'));
    builder.on('lost', () => seen.push('lost'));
    await builder.lead(() => {});
    await builder.lead(loseLeadership).catch(() => {});
    expect(seen).toEqual(['elected', 'resigned', 'elected', 'lost']);
  });
});

describe('observing', () => {
  test('the leader is told at once, then every change of leader and value, and when nobody leads', async () => {
    const { seen } = observed(election());
    await settle();
    const one = await election().campaign({ url: 'one' });
    const other = track(election().campaign({ url: 'other' }));
    await settle();
    await one.proclaim({ url: 'one again' });
    await one.resign();
    await settle();
    await other.value?.resign();
    await settle();
    expect(seen).toEqual(['none', 'one', 'one again', 'other', 'none']);
  });

  test('candidates who come and go behind the leader are not told of', async () => {
    await election().campaign({ url: 'one' });
    const { seen } = observed(election());
    track(election().campaign({ url: 'other' }, { timeout: '1s' }));
    await world.clock.advance(2_000);
    expect(seen).toEqual(['one']);
  });

  test('it goes on after compaction, from how things then stand', async () => {
    const store = world.elsewhere();
    const { seen, ended } = observed(election({}, store));
    const one = await election().campaign({ url: 'one' });
    await settle();
    store.breakWatches(new CompactedError(1, 2));
    await one.resign();
    await election().campaign({ url: 'two' });
    const { revision } = await world.inner.put('noise', '');
    await world.inner.compact(revision);
    await world.clock.advance(1_000);
    expect(ended.done).toBe(false);
    expect(seen).toEqual(['none', 'one', 'two']);
  });

  test('it outlasts a store that is away for long', async () => {
    const store = world.elsewhere();
    const { seen, ended } = observed(election({}, store));
    await settle();
    store.onCall = () => ({ kind: 'fail', error: new UnavailableError('away') });
    store.breakWatches(new UnavailableError('away'));
    await world.clock.advance(600_000);
    expect(ended.done).toBe(false);
    store.onCall = () => undefined;
    await election().campaign({ url: 'one' });
    await world.clock.advance(2_000);
    expect(seen).toEqual(['none', 'one']);
  });

  test('a watch that has gone silent is not trusted for ever', async () => {
    const deaf = world.elsewhere();
    deaf.watch = (_, options = {}) => world.inner.watch('nothing ever happens here', options);
    const { seen } = observed(election({}, deaf));
    await election().campaign({ url: 'one' });
    await world.clock.advance(29_000);
    expect(seen).toEqual(['none']);
    await world.clock.advance(2_000);
    expect(seen).toEqual(['none', 'one']);
  });

  test('it ends with the reason of its signal, of its disposal, and of the closing of the store', async () => {
    const controller = new AbortController();
    const [disposed, builder] = [election(), election()];
    const signalled = observed(builder, controller.signal);
    const disposing = observed(disposed);
    const closing = observed(election());
    await settle();
    controller.abort(new Error('enough'));
    await disposed.dispose();
    await world.close();
    await settle();
    expect(signalled.ended.error).toEqual(new Error('enough'));
    expect(disposing.ended.error).toMatchObject({ code: 'CLOSED' });
    expect(closing.ended.error).toMatchObject({ code: 'CLOSED' });
  });

  test('leaving the loop ends the watch', async () => {
    const store = world.elsewhere();
    await election().campaign({ url: 'one' });
    for await (const leader of election({}, store).observe()) {
      expect(leader?.value.url).toBe('one');
      break;
    }
    expect(store.watchCount).toBe(0);
  });

  test('a foreign key never leads', async () => {
    await world.inner.put(`${LINE}stray`, '{"value":{"url":"stray"}}');
    const { seen } = observed(election());
    await settle();
    await election().campaign({ url: 'one' }, { timeout: '1s' });
    await settle();
    expect(seen).toEqual(['none', 'one']);
    expect((await election().leader())?.value.url).toBe('one');
  });
});

describe('construction and disposal', () => {
  test('a subclass takes its options from what was recorded for it', async () => {
    class IndexBuilders extends Election<Node> {}
    recordSettings(IndexBuilders, 'election', { name: 'builder', value: { url: 'usual' } });
    const builders = new IndexBuilders(world.store);
    expect(world.store.calls).toEqual([]);
    await builders.campaign();
    expect((await election().leader())?.value.url).toBe('usual');
    await builders.dispose();
    expect(await line()).toEqual([]);
    expect(() => new (class Nameless extends Election {})(world.store)).toThrow(/Nameless\.name/);
  });

  test('disposing resigns, calls off what waits, and is final', async () => {
    await using builder = election();
    const leadership = await builder.campaign();
    const waiting = track(builder.campaign());
    await settle();
    await builder.dispose();
    expect(leadership.signal.reason).toMatchObject({ code: 'NOT_HELD' });
    expect(waiting.error).toMatchObject({ code: 'CLOSED' });
    await expect(builder.campaign()).rejects.toMatchObject({ code: 'CLOSED' });
    expect(await world.inner.leases()).toEqual([]);
  });
});
