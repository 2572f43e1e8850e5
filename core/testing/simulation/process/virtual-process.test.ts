import { afterEach, describe, expect, test } from '@jest/globals';
import { World } from '../world.js';

let world = new World(1);
afterEach(async () => {
  await world.close();
  world = new World(1);
});

describe('the clock of a process', () => {
  test('fires timers in order, each not before its time, and forgets those that are cancelled', async () => {
    const { clock } = world.addClient('a');
    const seen: [string, number][] = [];
    const startMs = clock.now();
    const note = (name: string) => () => void seen.push([name, clock.now() - startMs]);

    await world.run(async () => {
      clock.after(20, note('b'));
      clock.after(10.0001, note('a'));
      clock.after(15, note('never')).cancel();
      await world.scheduler.sleep(50);
    });

    expect(seen.map(([name]) => name)).toEqual(['a', 'b']);
    expect(seen[0]?.[1]).toBeGreaterThanOrEqual(10.0001);
    expect(seen[1]?.[1]).toBeCloseTo(20, 6);
    expect(clock.timerCount).toBe(0);
  });

  test('calls back soon behind everything that is ready', async () => {
    const { clock } = world.addClient('a');
    const seen: string[] = [];

    await world.run(async () => {
      clock.after(1, () => {
        clock.soon(() => seen.push('soon'));
        void Promise.resolve().then(() => seen.push('microtask'));
      });
      clock.after(1, () => seen.push('timer'));
      await world.scheduler.sleep(2);
    });

    expect(seen).toEqual(['microtask', 'timer', 'soon']);
  });

  test('runs at a rate of its own, which timers under way follow and restarts keep', async () => {
    const client = world.addClient('a');
    const firedMs: number[] = [];
    const fired = () => void firedMs.push(world.scheduler.now());

    await world.run(async () => {
      client.clock.after(100, fired);
      await world.scheduler.sleep(50);
      client.clockRate = 2;
      await world.scheduler.sleep(50);
      client.kill();
      client.restart();
      client.clock.after(100, fired);
      await world.scheduler.sleep(100);
    });

    expect(firedMs[0]).toBeCloseTo(75, 3);
    expect(firedMs[1]).toBeCloseTo(150, 3);
    expect(world.effects.of('clock rate')).toBe(2);
  });

  test('jumps ahead, and never back', async () => {
    const { clock } = world.addClient('a');
    let firedMs = 0;

    await world.run(async () => {
      clock.after(1_000, () => (firedMs = world.scheduler.now()));
      await world.scheduler.sleep(1);
      clock.jump(998);
      await world.scheduler.sleep(10);
    });

    expect(firedMs).toBeCloseTo(2, 3);
    expect(() => clock.jump(-1)).toThrow(RangeError);
  });
});

describe('a process', () => {
  test('finds after a pause what came meanwhile: timers first, then what arrived', async () => {
    const client = world.addClient('a');
    const seen: string[] = [];
    const { life, clock } = client;

    await world.run(async () => {
      client.pause();
      life?.enterAfter(1, () => seen.push('arrived'));
      clock.after(5, () => {
        seen.push('timer');
        clock.soon(() => seen.push('soon'));
      });
      await world.scheduler.sleep(10);
      expect(seen).toEqual([]);
      client.resume();
      await world.scheduler.sleep(1);
    });

    expect(seen).toEqual(['timer', 'arrived', 'soon']);
    expect(world.effects.of('pause')).toBe(1);
  });

  test('does nothing more once it has ended, paused or not', async () => {
    const client = world.addClient('a');
    const seen: string[] = [];
    const { life, clock } = client;

    await world.run(async () => {
      clock.after(5, () => seen.push('timer'));
      life?.enterAfter(5, () => seen.push('arrived'));
      clock.after(1, () => seen.push('held'));
      client.pause();
      await world.scheduler.sleep(2);
      client.kill();
      client.restart();
      await world.scheduler.sleep(10);
    });

    expect(seen).toEqual([]);
    expect(client.isRunning).toBe(true);
    expect(client.isPaused).toBe(false);
  });

  test('has a stream of chance that no other process disturbs', () => {
    const draws = (names: readonly string[]) => {
      const other = new World(1);
      const clients = names.map((name) => other.addClient(name));
      const drawn = clients.map(({ prng }) => prng.next());
      return drawn[names.indexOf('b')];
    };

    expect(draws(['a', 'b'])).toBe(draws(['b']));
  });
});
