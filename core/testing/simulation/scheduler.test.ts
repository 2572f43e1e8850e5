import { describe, expect, test } from '@jest/globals';
import { seededPrng } from '../../base/prng.js';
import { EventQueue, type QueuedEvent } from './event-queue.js';
import { Scheduler, WORLD_LANE } from './scheduler.js';
import { Trace } from './trace.js';

function newScheduler(salt = 1): Scheduler {
  return new Scheduler(new Trace(() => 0), salt);
}

function runAll(scheduler: Scheduler): void {
  while (scheduler.step() !== undefined) scheduler.settleGoals();
}

describe('the queue of events', () => {
  test('gives them by time, then by tie, then as they were put in, without those that were cancelled', () => {
    const prng = seededPrng(3);
    const queue = new EventQueue();
    const draw = (below: number) => Math.floor(prng.next() * below);
    const events = Array.from({ length: 3_000 }, (_, order): QueuedEvent => {
      return { atUs: draw(50), tie: draw(4), order, lane: 0, callback: () => undefined };
    });

    for (const event of events) queue.push(event);
    const cancelled = events.filter((_, i) => i % 3 === 0);
    for (const event of cancelled) queue.cancel(event);
    for (const event of cancelled) queue.cancel(event);
    const given: QueuedEvent[] = [];
    for (let event = queue.pop(); event !== undefined; event = queue.pop()) given.push(event);

    const expected = events
      .filter((_, i) => i % 3 !== 0)
      .sort((a, b) => a.atUs - b.atUs || a.tie - b.tie || a.order - b.order);
    expect(given).toEqual(expected);
    expect(queue.size).toBe(0);
  });
});

describe('a scheduler', () => {
  test('leaps from event to event, and never back', () => {
    const scheduler = newScheduler();
    const seen: number[] = [];
    scheduler.at(30, () => seen.push(scheduler.now()));
    scheduler.at(10, () => {
      seen.push(scheduler.now());
      scheduler.at(5, () => seen.push(scheduler.now()));
      scheduler.after(2.5, () => seen.push(scheduler.now()));
    });

    runAll(scheduler);

    expect(seen).toEqual([10, 10, 12.5, 30]);
    expect(scheduler.events).toBe(4);
  });

  test('keeps the order within a process, and lets the seed decide between processes', () => {
    const orderWith = (salt: number) => {
      const scheduler = newScheduler(salt);
      const seen: string[] = [];
      for (const step of [1, 2, 3])
        for (const lane of [1, 2]) scheduler.schedule(1_000, lane, () => seen.push(`${lane}.${step}`));
      runAll(scheduler);
      return seen;
    };

    const orders = Array.from({ length: 20 }, (_, salt) => orderWith(salt));

    for (const order of orders) {
      expect(order.filter((step) => step.startsWith('1'))).toEqual(['1.1', '1.2', '1.3']);
      expect(order.filter((step) => step.startsWith('2'))).toEqual(['2.1', '2.2', '2.3']);
    }
    expect(new Set(orders.map((order) => order[0]))).toEqual(new Set(['1.1', '2.1']));
  });

  test('tells who waits as soon as it is so, and gives up in time', async () => {
    const scheduler = newScheduler();
    let count = 0;
    for (let atMs = 1; atMs <= 5; atMs += 1) scheduler.at(atMs, () => (count += 1));

    const reached = scheduler.until(() => count === 3, 100).then(() => scheduler.now());
    const missed = scheduler.until(() => count === 9, 4, 'the ninth').catch((error: Error) => error.message);
    runAll(scheduler);

    expect(await reached).toBe(5);
    expect(await missed).toBe('the ninth did not come within 4 ms');
  });

  test('notices that time stands still', () => {
    const scheduler = newScheduler();
    const again = () => void scheduler.schedule(0, WORLD_LANE, again);
    again();

    expect(() => runAll(scheduler)).toThrow('time stands still');
  });
});
