import { describe, expect, test } from '@jest/globals';
import { InvariantError } from '../base/assert.js';
import { EmptyRangeError, InvalidArgumentError } from '../base/errors.js';
import { everything, fromKey, key, prefix, range } from '../base/key-range.js';
import { openHub, takeAll } from './testing/event-log.js';

describe('a watcher of the present', () => {
  test('takes each revision that changes its range, whole and in order', () => {
    const { write, watch } = openHub();
    const { watcher } = watch({ target: prefix('a') });

    write('a1=x', 'b=x', 'a2=y');
    write('b=y');
    write('-a1');

    expect(takeAll(watcher)).toEqual(['2: a1=x a2=y', '4: -a1']);
    expect(takeAll(watcher)).toEqual([]);
  });

  test.each([
    ['one key', key('b'), ['b']],
    ['a range without its end', range('b', 'd'), ['b', 'ba', 'c']],
    ['a prefix', prefix('b'), ['b', 'ba']],
    ['a key and all after it', fromKey('c'), ['c', 'd']],
    ['everything', everything(), ['a', 'b', 'ba', 'c', 'd']],
  ])('of %s sees what is in it and nothing else', (_, target, expected) => {
    const { write, watch } = openHub();
    const { watcher } = watch({ target });

    write('a=', 'b=', 'ba=', 'c=', 'd=');

    expect(takeAll(watcher)).toEqual([`2: ${expected.map((name) => `${name}=`).join(' ')}`]);
  });

  test('takes as many revisions at once as have the events that it asks for, and one however many those are', () => {
    const { write, watch } = openHub();
    const { watcher } = watch({ target: prefix('a') });
    for (let value = 2; value <= 4; value += 1) write(`a=${value}`, 'b=');
    write('a1=', 'a2=');
    write('a1=', 'a2=', 'a3=', 'a4=');
    write('a=7');
    const { watcher: other } = watch({ target: prefix('a'), from: 2 });

    for (const one of [watcher, other]) {
      expect(takeAll(one, 3)).toEqual(['4: a=2 a=3 a=4', '5: a1= a2=', '6: a1= a2= a3= a4=', '7: a=7']);
      expect(one).toMatchObject({ synced: true, revision: 7 });
    }
  });

  test('does not see what was before it, without being asked to', () => {
    const { write, watch } = openHub();
    write('a=1');

    const { watcher } = watch({ target: key('a') });
    write('a=2');

    expect(watcher.startRevision).toBe(3);
    expect(takeAll(watcher)).toEqual(['3: a=2']);
  });

  test('is called back when there is something to take after there was nothing', () => {
    const { write, watch } = openHub();
    const { watcher, wakes } = watch({ target: key('a') });

    write('b=1');
    expect(wakes.count).toBe(0);
    write('a=1');
    expect(wakes.count).toBe(1);
    write('a=2');
    expect(wakes.count).toBe(1);
    watcher.take();
    write('a=3');
    expect(wakes.count).toBe(1);
    watcher.take();
    watcher.take();
    write('a=4');
    expect(wakes.count).toBe(2);
  });

  test('is called back once for revisions that are published together', () => {
    const { log, hub, watch } = openHub();
    const { watcher, wakes } = watch({ target: key('a') });

    hub.publish([log.write('a=1'), log.write('b=1'), log.write('a=2')]);

    expect(wakes.count).toBe(1);
    expect(takeAll(watcher)).toEqual(['2: a=1', '4: a=2']);
  });

  test('reads no history', () => {
    const { log, write, watch } = openHub();
    const { watcher } = watch({ target: key('a') });

    write('a=1');
    takeAll(watcher);

    expect(log.historyReads).toBe(0);
  });
});

describe('the progress of a watcher', () => {
  test('is the present once everything is taken, whether or not it concerned it', () => {
    const { write, watch } = openHub();
    const { watcher } = watch({ target: key('a') });
    expect(watcher).toMatchObject({ synced: true, revision: 1 });

    write('a=1');
    write('b=1');
    expect(watcher).toMatchObject({ synced: false, revision: 1 });

    watcher.take();
    expect(watcher).toMatchObject({ synced: true, revision: 3 });
  });

  test('is where its reading of history has come to', () => {
    const { write, watch } = openHub({ catchUpRevisionsMax: 1 });
    write('a=1');
    write('b=1');
    write('a=2');
    const { watcher } = watch({ target: key('a'), from: 2 });
    expect(watcher).toMatchObject({ synced: false, revision: 1 });

    watcher.take();
    expect(watcher).toMatchObject({ synced: false, revision: 2 });
    watcher.take();
    expect(watcher).toMatchObject({ synced: false, revision: 3 });
    watcher.take();
    expect(watcher).toMatchObject({ synced: true, revision: 4 });
  });

  test('is none while its first revision lies in the future', () => {
    const { write, watch } = openHub();
    const { watcher } = watch({ target: key('a'), from: 4 });
    expect(watcher.synced).toBe(false);

    write('b=1');
    expect(watcher.synced).toBe(false);
    write('b=2');
    expect(watcher).toMatchObject({ synced: true, revision: 3 });
  });
});

describe('a watcher of the past', () => {
  test('takes history from its first revision on and then the present, without a seam', () => {
    const { write, watch } = openHub({ catchUpRevisionsMax: 2 });
    for (let value = 2; value <= 6; value += 1) write(`a=${value}`);
    const { watcher } = watch({ target: key('a'), from: 3 });

    watcher.take();
    write('a=7');
    expect(takeAll(watcher)).toEqual(['4: a=4', '5: a=5', '6: a=6', '7: a=7']);
    write('a=8');

    expect(takeAll(watcher)).toEqual(['8: a=8']);
  });

  test('goes through history that does not concern it part by part', () => {
    const { log, write, watch } = openHub({ catchUpRevisionsMax: 2 });
    write('a=2');
    for (let value = 3; value <= 9; value += 1) write(`b=${value}`);
    const { watcher } = watch({ target: key('a'), from: 3 });

    expect(watcher.take()).toBeUndefined();

    expect(log.historyReads).toBe(1);
    expect(watcher).toMatchObject({ readsHistory: true, synced: false, revision: 4 });
    expect(takeAll(watcher)).toEqual([]);
    expect(log.historyReads).toBe(4);
    expect(watcher).toMatchObject({ readsHistory: false, synced: true, revision: 9 });
  });

  test('is not called back for what it finds in history', () => {
    const { write, watch } = openHub();
    write('a=2');
    const { watcher, wakes } = watch({ target: key('a'), from: 1 });

    write('a=3');
    expect(wakes.count).toBe(0);

    expect(takeAll(watcher)).toEqual(['2: a=2', '3: a=3']);
  });

  test('from revision 0 is a watcher of the present', () => {
    const { write, watch } = openHub();
    write('a=2');

    expect(watch({ target: key('a'), from: 0 }).watcher).toMatchObject({ synced: true, startRevision: 3 });
  });
});

describe('a watcher of the future', () => {
  test.each([4, 5, 100])('from revision %i waits silently for it', (from) => {
    const { log, write, watch } = openHub();
    write('a=2');
    const { watcher, wakes } = watch({ target: key('a'), from });
    for (let value = 3; value < from; value += 1) {
      write(`a=${value}`);
      expect(takeAll(watcher)).toEqual([]);
    }
    expect(wakes.count).toBe(0);

    write(`a=${from}`);
    write(`a=${from + 1}`);

    expect(wakes.count).toBe(1);
    expect(takeAll(watcher)).toEqual([`${from}: a=${from}`, `${from + 1}: a=${from + 1}`]);
    expect(log.historyReads).toBe(0);
  });
});

describe('compaction', () => {
  test('ends a watcher whose next revision is gone, and says where history begins', () => {
    const { log, hub, write, watch } = openHub();
    for (let value = 2; value <= 6; value += 1) write(`a=${value}`);
    log.compactRevision = 4;
    const { watcher, wakes } = watch({ target: key('a'), from: 3 });

    expect(watcher.take()).toEqual({ type: 'compacted', compactRevision: 4 });

    expect(hub.watcherCount).toBe(0);
    write('a=7');
    expect(watcher.take()).toBeUndefined();
    expect(wakes.count).toBe(0);
    expect(watcher.synced).toBe(false);
  });

  test('spares a watcher that begins at the oldest readable revision', () => {
    const { log, write, watch } = openHub();
    for (let value = 2; value <= 5; value += 1) write(`a=${value}`);
    log.compactRevision = 4;

    expect(takeAll(watch({ target: key('a'), from: 4 }).watcher)).toEqual(['4: a=4', '5: a=5']);
  });

  test('ends a watcher in the middle of its history, after what it has read', () => {
    const { log, write, watch } = openHub({ catchUpRevisionsMax: 2 });
    for (let value = 2; value <= 9; value += 1) write(`a=${value}`);
    const { watcher } = watch({ target: key('a'), from: 2 });
    watcher.take();

    log.compactRevision = 5;

    expect(takeAll(watcher)).toEqual(['3: a=3', 'compacted at 5']);
  });

  test('does not concern a watcher of the present, however long its range is quiet', () => {
    const { log, write, watch } = openHub();
    const { watcher } = watch({ target: key('a') });
    write('b=2');
    write('b=3');
    log.compactRevision = 3;

    write('a=4');

    expect(takeAll(watcher)).toEqual(['4: a=4']);
  });

  test('ends a watcher from a negative revision, which is long past', () => {
    const { watch } = openHub();

    expect(takeAll(watch({ target: key('a'), from: -1 }).watcher)).toEqual(['compacted at 0']);
  });
});

describe('a queue', () => {
  test('holds as many events as it may, and the first one past that is read from history', () => {
    const { log, write, watch } = openHub({ queueEventsMax: 3 });
    const { watcher, wakes } = watch({ target: prefix('a') });
    write('a1=2', 'a2=2');
    write('a=3');
    takeAll(watcher);
    expect(log.historyReads).toBe(0);

    write('a1=4', 'a2=4');
    write('a1=5', 'a2=5');
    write('a=6');

    expect(takeAll(watcher)).toEqual(['4: a1=4 a2=4', '5: a1=5 a2=5', '6: a=6']);
    expect(log.historyReads).toBe(1);
    expect(wakes.count).toBe(2);
    write('a=7');
    expect(takeAll(watcher)).toEqual(['7: a=7']);
    expect(log.historyReads).toBe(1);
  });

  test('that a single revision overfills reads that revision whole from history', () => {
    const { log, write, watch } = openHub({ queueEventsMax: 3 });
    const { watcher, wakes } = watch({ target: prefix('a') });

    write('a1=', 'a2=', 'a3=', 'a4=');

    expect(wakes.count).toBe(1);
    expect(takeAll(watcher)).toEqual(['2: a1= a2= a3= a4=']);
    expect(log.historyReads).toBe(1);
  });

  test('does not grow while its watcher is behind', () => {
    const { log, write, watch } = openHub({ queueEventsMax: 2, catchUpRevisionsMax: 10 });
    const { watcher } = watch({ target: key('a') });

    for (let value = 2; value <= 101; value += 1) write(`a=${value}`);

    expect(takeAll(watcher).length).toBe(100);
    expect(log.historyReads).toBe(10);
  });

  test('of a watcher that fell behind can be overtaken by compaction', () => {
    const { log, write, watch } = openHub({ queueEventsMax: 2 });
    const { watcher } = watch({ target: key('a') });
    for (let value = 2; value <= 9; value += 1) write(`a=${value}`);

    log.compactRevision = 6;

    expect(takeAll(watcher)).toEqual(['2: a=2', '3: a=3', 'compacted at 6']);
  });
});

describe('what a watcher wants to see', () => {
  test.each([
    ['put' as const, ['2: a=1', '3: b=1']],
    ['delete' as const, ['3: -a', '4: -b']],
  ])('may be only each %s; a revision without one is passed over', (only, expected) => {
    const { write, watch } = openHub();
    const present = watch({ target: everything(), only });
    write('a=1');
    write('-a', 'b=1');
    write('-b');
    const past = watch({ target: everything(), only, from: 2 });

    expect(takeAll(present.watcher)).toEqual(expected);
    expect(takeAll(past.watcher)).toEqual(expected);
    expect(present.watcher.revision).toBe(4);
    expect(past.watcher).toMatchObject({ synced: true, revision: 4 });
  });

  test('may be the key as it was before', () => {
    const { write, watch } = openHub();
    const present = watch({ target: everything(), previous: true });
    write('a=1', 'b=1');
    write('a=2');
    write('-a');
    write('a=3');
    const past = watch({ target: everything(), previous: true, from: 3 });

    expect(takeAll(present.watcher)).toEqual(['2: a=1 b=1', '3: a=2(1)', '4: -a(2)', '5: a=3']);
    expect(takeAll(past.watcher)).toEqual(['3: a=2(1)', '4: -a(2)', '5: a=3']);
  });

  test('is not the key as it was before unless it asked, and then nobody looks for it', () => {
    const { log, hub, watch } = openHub();
    const { watcher } = watch({ target: everything() });
    const { revision, events } = log.write('a=1');

    hub.publish([{ revision, events: events.map((event) => ({ ...event, previous: event.kv })) }]);

    expect(takeAll(watcher)).toEqual(['2: a=1']);
    expect(log.previousReads).toBe(0);
  });

  test('is found once for all who want the same', () => {
    const { log, write, watch } = openHub();
    const watchers = Array.from({ length: 5 }, () => watch({ target: prefix('a'), previous: true }).watcher);
    const others = [watch({ target: prefix('a') }).watcher, watch({ target: prefix('a'), only: 'delete' }).watcher];

    write('a1=1', 'a2=1');

    const batches = watchers.map((watcher) => watcher.take());
    expect(log.previousReads).toBe(2);
    expect(new Set(batches.map((taken) => taken?.type === 'batch' && taken.batch)).size).toBe(1);
    expect(others.map(takeAll)).toEqual([['2: a1=1 a2=1'], []]);
  });
});

describe('coming and going', () => {
  test('a cancelled watcher gets nothing more, and may be cancelled again', () => {
    const { hub, write, watch } = openHub();
    const { watcher, wakes } = watch({ target: key('a') });
    write('a=1');

    watcher.cancel();
    watcher.cancel();
    write('a=2');

    expect(watcher.take()).toBeUndefined();
    expect(watcher).toMatchObject({ synced: false, revision: 1 });
    expect(wakes.count).toBe(1);
    expect(hub.watcherCount).toBe(0);
  });

  test('one of several watchers of a range can leave', () => {
    const { hub, write, watch } = openHub();
    const [first, second] = [watch({ target: prefix('a') }), watch({ target: prefix('a') })];

    first.watcher.cancel();
    write('a=1');

    expect(hub.watcherCount).toBe(1);
    expect(takeAll(first.watcher)).toEqual([]);
    expect(takeAll(second.watcher)).toEqual(['2: a=1']);
  });

  test('whoever is called back may cancel another, who then is not called', () => {
    const { hub, write } = openHub();
    const called: string[] = [];
    const target = key('a');
    const first = hub.watch({ target }, () => {
      called.push('first');
      second.cancel();
    });
    const second = hub.watch({ target }, () => called.push('second'));

    write('a=1');

    expect(called).toEqual(['first']);
    expect(takeAll(first)).toEqual(['2: a=1']);
    expect(takeAll(second)).toEqual([]);
  });

  test('whoever is called back may take, cancel itself and watch anew from where it was', () => {
    const { hub, log } = openHub();
    const seen: string[] = [];
    let watcher = hub.watch({ target: key('a') }, () => onReady());
    const onReady = () => {
      seen.push(...takeAll(watcher));
      watcher.cancel();
      watcher = hub.watch({ target: key('a'), from: hub.publishedRevision + 1 }, onReady);
    };

    hub.publish([log.write('a=1'), log.write('a=2')]);
    hub.publish([log.write('a=3')]);

    expect(seen).toEqual(['2: a=1', '3: a=2', '4: a=3']);
    expect(hub.watcherCount).toBe(1);
  });

  test('one who comes between the making of a revision and its publication gets it once', () => {
    const { log, hub, watch } = openHub();
    const made = log.write('a=1');

    const past = watch({ target: key('a'), from: 2 });
    const present = watch({ target: key('a') });
    const early = takeAll(past.watcher);
    hub.publish([made]);
    hub.publish([log.write('a=2')]);

    expect([...early, ...takeAll(past.watcher)]).toEqual(['2: a=1', '3: a=2']);
    expect(takeAll(present.watcher)).toEqual(['3: a=2']);
  });

  test('ranges that differ only in where start and end part are told apart', () => {
    const { write, watch } = openHub();
    const first = watch({ target: range('a', 'bc') });
    const second = watch({ target: range('ab', 'c') });

    write('aa=1');
    write('bd=1');

    expect(takeAll(first.watcher)).toEqual(['2: aa=1']);
    expect(takeAll(second.watcher)).toEqual(['3: bd=1']);
  });
});

describe('what is refused', () => {
  test.each([
    ['ends before it starts', range('b', 'a')],
    ['ends where it starts', range('b', 'b')],
  ])('a range that %s', (_, target) => {
    const { hub, watch } = openHub();

    expect(() => watch({ target })).toThrow(EmptyRangeError);
    expect(hub.watcherCount).toBe(0);
  });

  test.each([1.5, Number.NaN, 2 ** 53])('to begin at revision %p', (from) => {
    const { watch } = openHub();

    expect(() => watch({ target: key('a'), from })).toThrow(InvalidArgumentError);
  });

  test('to publish a revision twice', () => {
    const { log, hub } = openHub();
    const batch = log.write('a=1');
    hub.publish([batch]);

    expect(() => hub.publish([batch])).toThrow(InvariantError);
  });
});
