import { beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../core/base/logger.js';
import { ManualClock, settle } from '../../core/testing/manual-clock.js';
import { Listeners } from './listeners.js';

interface Events {
  sum: (value: number) => unknown;
  state: (isOn: boolean) => unknown;
}

let clock: ManualClock;
let listeners: Listeners<Events>;
let told: string[];

beforeEach(() => {
  clock = new ManualClock();
  listeners = new Listeners<Events>({ clock, logger: silentLogger }, (event, older, newer) =>
    event === 'sum' ? ([(older[0] as number) + (newer[0] as number)] as typeof newer) : newer,
  );
  told = [];
});

describe('Listeners', () => {
  test('are told once whoever caused the event has gone on', async () => {
    listeners.on('sum', (value) => told.push(`sum ${value}`));

    listeners.tell('sum', 1);

    expect(told).toEqual([]);
    await settle();
    expect(told).toEqual(['sum 1']);
  });

  test('while one is busy, at most one of each event waits, in the order in which they happened last', async () => {
    let finish = () => {};
    const busy = new Promise<void>((resolve) => (finish = resolve));
    listeners.once('sum', () => busy);
    listeners.on('sum', (value) => told.push(`sum ${value}`));
    listeners.on('state', (isOn) => told.push(`state ${isOn}`));
    listeners.tell('sum', 1);
    await settle();

    listeners.tell('state', true);
    listeners.tell('sum', 10);
    listeners.tell('sum', 20);
    listeners.tell('state', false);
    finish();
    await settle();

    expect(told).toEqual(['sum 1', 'sum 30', 'state false']);
  });

  test('what nobody listens to is not kept', async () => {
    listeners.tell('sum', 1);
    listeners.on('sum', (value) => told.push(`sum ${value}`));
    await settle();

    expect(told).toEqual([]);
  });

  test('of one event all hear it, also if the first one takes itself off', async () => {
    const first = () => listeners.off('sum', first);
    listeners.on('sum', first);
    listeners.on('sum', (value) => told.push(`sum ${value}`));

    listeners.tell('sum', 1);
    await settle();

    expect(told).toEqual(['sum 1']);
  });

  test('after closing nobody hears anything, not even the rest of a turn', async () => {
    listeners.on('sum', () => listeners.close());
    listeners.on('sum', (value) => told.push(`sum ${value}`));

    listeners.tell('sum', 1);
    await settle();
    listeners.tell('sum', 2);
    await settle();

    expect(told).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });
});
