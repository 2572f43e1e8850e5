import { beforeEach, describe, expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import { ClosedError } from '../base/errors.js';
import { key } from '../base/key-range.js';
import { ManualClock } from '../testing/manual-clock.js';
import { openHub } from '../watch/testing/event-log.js';
import type { WatchRequest } from '../watch/hub.js';
import { HistoryPace } from './history-pace.js';
import { PatientWatcher } from './patient-watcher.js';

let clock: ManualClock;
/** What was spent on reading, beside the time that the clock is turned on by. */
let spentMs: number;
let pace: HistoryPace;
beforeEach(() => {
  clock = new ManualClock();
  spentMs = 0;
  pace = new HistoryPace({
    now: () => clock.now() + spentMs,
    after: (delayMs, callback) => clock.after(delayMs, callback),
    soon: (callback) => clock.soon(callback),
  });
});

/** Reads for so long, if it may, and again whenever it may. */
function reader(name: string, takesMs: number, log: string[]) {
  const read = () => {
    if (!pace.mayRead(read)) return;
    pace.read(() => (spentMs += takesMs));
    log.push(name);
    pace.later(read);
  };
  return read;
}

describe('history', () => {
  test('is read for 2 ms, and then not for as long as that took', async () => {
    const log: string[] = [];
    for (let reads = 0; reads < 3; reads += 1) {
      expect(pace.mayRead(() => log.push('may'))).toBe(true);
      pace.read(() => (spentMs += 0.9));
    }

    expect(pace.mayRead(() => log.push('may'))).toBe(false);
    await clock.advance(2);
    expect(log).toEqual([]);
    await clock.advance(1);
    expect(log).toEqual(['may']);
    expect(pace.mayRead(() => {})).toBe(true);
  });

  test('is read again after 10 ms, however long it took', async () => {
    pace.read(() => (spentMs += 5_000));
    let mayRead = 0;
    pace.mayRead(() => (mayRead += 1));

    await clock.advance(10);

    expect(mayRead).toBe(1);
  });

  test('is read by all in turn, each of whom may use up the time', async () => {
    const log: string[] = [];
    for (const name of ['a', 'b', 'c']) reader(name, 3, log)();

    await clock.advance(20);

    expect(log.slice(1, 7)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  test('is read no more by one who has left', async () => {
    const log: string[] = [];
    const stays = reader('stays', 3, log);
    const leaves = reader('leaves', 3, log);
    stays();
    leaves();

    pace.forget(leaves);
    await clock.advance(20);

    expect(new Set(log)).toEqual(new Set(['stays']));
    expect(clock.timerCount).toBe(1);
  });

  test('is not read in one go either by whoever is very fast', async () => {
    const log: string[] = [];
    reader('a', 0, log)();
    expect(log).toEqual(['a']);

    await clock.advance(3);

    expect(log).toEqual(['a', 'a', 'a', 'a']);
  });
});

describe('a watcher of a member', () => {
  /** A watcher at the first of so many revisions of another key, of which it reads two at a time. */
  function behind(revisions: number, request: WatchRequest = { target: key('a'), from: 2 }) {
    const { log, hub, write } = openHub({ catchUpRevisionsMax: 2 });
    for (let revision = 0; revision < revisions; revision += 1) write('b=');
    let wakes = 0;
    const onReady = () => (wakes += 1);
    const replica: { installing: undefined; ended: ClosedError | undefined } = {
      installing: undefined,
      ended: undefined,
    };
    const watcher = new PatientWatcher(hub.watch(request, onReady), { replica, pace, onReady });
    return { log, write, watcher, replica, wakes: () => wakes };
  }

  test('goes through history that does not concern it in parts, and is called back for each', async () => {
    const { log, write, watcher, wakes } = behind(6);
    write('a=1');

    for (let part = 1; part <= 3; part += 1) {
      expect(watcher.take()).toBeUndefined();
      expect(log.historyReads).toBe(part);
      expect(wakes()).toBe(part - 1);
      await clock.advance(1);
      expect(wakes()).toBe(part);
    }

    expect(watcher.take()).toMatchObject({ batch: { revision: 8, events: [{ kv: { key: toBytes('a') } }] } });
  });

  test('has nothing to take while another one has used up the time, and is called back after it', async () => {
    const { log, watcher, wakes } = behind(1, { target: key('b'), from: 2 });
    pace.read(() => (spentMs += 4));

    expect(watcher.take()).toBeUndefined();
    expect(log.historyReads).toBe(0);
    expect(watcher.synced).toBe(false);
    await clock.advance(4);

    expect(wakes()).toBe(1);
    expect(watcher.take()).toMatchObject({ batch: { revision: 2 } });
  });

  test('is not called back once it is cancelled', async () => {
    const { watcher, wakes } = behind(6);
    watcher.take();

    watcher.cancel();
    await clock.advance(10);

    expect(wakes()).toBe(0);
  });

  test('reads no history any more once the member has ended or is about to, for what it would read may be closed', async () => {
    const { log, watcher, replica, wakes } = behind(6);
    watcher.take();
    replica.ended = new ClosedError('the member');
    await clock.advance(1);

    expect(wakes()).toBe(1);
    expect(watcher.take()).toBeUndefined();
    expect(log.historyReads).toBe(1);
    await clock.advance(100);
    expect(wakes()).toBe(1);
  });

  test('that has seen everything waits for nobody', () => {
    const { write, watcher } = behind(0);
    pace.read(() => (spentMs += 4));

    write('a=1');

    expect(watcher.take()).toMatchObject({ batch: { revision: 2 } });
  });
});
