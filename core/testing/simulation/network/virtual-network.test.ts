import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Life } from '../process/virtual-process.js';
import { type VirtualClient, World } from '../world.js';
import type { ConnectionEnd } from './connection-end.js';

let world: World;
let a: VirtualClient;
let b: VirtualClient;

beforeEach(() => {
  world = new World(3);
  a = world.addClient('a');
  b = world.addClient('b');
});
afterEach(() => world.close());

/** What one end of a connection has seen. */
interface Seen {
  readonly end: ConnectionEnd;
  readonly received: unknown[];
  closed?: string;
}

function watch(end: ConnectionEnd): Seen {
  const seen: Seen = { end, received: [] };
  end.events = {
    onReceive: (payload) => seen.received.push(payload),
    onClose: (reason) => (seen.closed = reason),
  };
  return seen;
}

/** Connects a to b. */
async function connected(): Promise<{ near: Seen; far: Seen }> {
  let far: Seen | undefined;
  world.network.listen(b.life as Life, 1, (end) => (far = watch(end)));
  const near = watch(await connecting().opened);
  await world.scheduler.sleep(20);
  return { near, far: far as Seen };
}

function connecting(): { opened: Promise<ConnectionEnd>; refused: Promise<string> } {
  let onRefused: (why: string) => void;
  const refused = new Promise<string>((resolve) => (onRefused = resolve));
  const opened = new Promise<ConnectionEnd>((resolve) => {
    world.network.connect(
      a.life as Life,
      { host: 'b', port: 1 },
      { onOpen: resolve, onRefused: () => onRefused('refused') },
    );
  });
  return { opened, refused };
}

const numbers = Array.from({ length: 50 }, (_, i) => i);

describe('a connection', () => {
  test('delivers everything once and in order, both ways, after a while', async () => {
    await world.run(async () => {
      const { near, far } = await connected();
      for (const number of numbers) near.end.send(number);
      far.end.send('hello');
      expect(far.received).toEqual([]);
      await world.scheduler.sleep(100);

      expect(far.received).toEqual(numbers);
      expect(near.received).toEqual(['hello']);
    });
  });

  test('closes behind what was sent', async () => {
    await world.run(async () => {
      const { near, far } = await connected();
      near.end.send('last words');
      near.end.close();
      near.end.send('too late');
      await world.scheduler.sleep(20);

      expect(far).toMatchObject({ received: ['last words'], closed: 'closed' });
      expect(near.closed).toBeUndefined();
    });
  });

  test('is refused where nobody listens, and where a process has ended', async () => {
    await world.run(async () => {
      expect(await connecting().refused).toBe('refused');
      world.network.listen(b.life as Life, 1, () => undefined);
      b.kill();
      expect(await connecting().refused).toBe('refused');
    });
  });

  test('gets no answer from a machine without power, until it is back', async () => {
    await world.run(async () => {
      b.kill();
      b.isPowered = false;
      const { opened } = connecting();
      let isOpen = false;
      void opened.then(() => (isOpen = true));
      await world.scheduler.sleep(2_500);
      expect(isOpen).toBe(false);

      b.restart();
      world.network.listen(b.life as Life, 1, () => undefined);
      await world.scheduler.sleep(1_100);
      expect(isOpen).toBe(true);
    });
  });

  test('ends at the other end when the process is killed, and is silent when the power is cut', async () => {
    await world.run(async () => {
      const { near } = await connected();
      b.kill();
      await world.scheduler.sleep(50);
      expect(near.closed).toBe('closed');
    });
    b.restart();
    await world.run(async () => {
      const { near } = await connected();
      b.isPowered = false;
      b.kill();
      await world.scheduler.sleep(5_000);
      expect(near.closed).toBeUndefined();

      // Once it is back, the machine answers that it knows of no connection.
      b.restart();
      near.end.send('are you there?');
      await world.scheduler.sleep(50);
      expect(near.closed).toBe('reset');
    });
  });

  test('is received by the machine of a paused process, and read when that goes on', async () => {
    await world.run(async () => {
      const { near, far } = await connected();
      b.pause();
      near.end.send('x');
      near.end.close();
      await world.scheduler.sleep(1_000);
      expect(far).toMatchObject({ received: [] });

      b.resume();
      await world.scheduler.sleep(1);
      expect(far).toMatchObject({ received: ['x'], closed: 'closed' });
    });
  });
});

describe('a link', () => {
  test('that loses packets delays them, keeps their order, and breaks a connection now and then', async () => {
    await world.run(async () => {
      const { near, far } = await connected();
      world.network.link('a', 'b').loss = 0.1;
      const startMs = world.scheduler.now();
      for (const number of numbers) near.end.send(number);
      await world.scheduler.until(() => far.received.length === numbers.length || far.closed !== undefined);

      expect(far.received).toEqual(numbers.slice(0, far.received.length));
      expect(world.scheduler.now() - startMs).toBeGreaterThan(200);
      expect(world.effects.of('loss')).toBeGreaterThan(0);

      world.network.link('a', 'b').loss = 0.9;
      for (const number of numbers) near.end.send(number);
      await world.scheduler.sleep(100);
      expect(world.effects.of('broken connection')).toBeGreaterThan(0);
      expect(near.closed).toBe('reset');
    });
  });

  test('that is cut holds everything back until it is healed, one way if only that is cut', async () => {
    await world.run(async () => {
      const { near, far } = await connected();
      near.end.send('under way');
      world.network.link('a', 'b').mode = 'cut';
      near.end.send('behind');
      far.end.send('back');
      await world.scheduler.sleep(1_000);
      expect(far.received).toEqual([]);
      expect(near.received).toEqual(['back']);
      expect(world.effects.of('cut')).toBe(1);

      world.network.heal('a', 'b');
      await world.scheduler.sleep(1_100);
      expect(far.received).toEqual(['under way', 'behind']);
    });
  });

  test('that is cut lets nobody connect; one that is half open seems to, and one that refuses says so', async () => {
    await world.run(async () => {
      world.network.listen(b.life as Life, 1, () => undefined);
      world.network.cut('a', 'b');
      let isOpen = false;
      void connecting().opened.then(() => (isOpen = true));
      await world.scheduler.sleep(3_000);
      expect(isOpen).toBe(false);

      world.network.link('a', 'b').mode = 'halfOpen';
      world.network.link('b', 'a').mode = 'open';
      const near = watch(await connecting().opened);
      near.end.send('into the void');
      await world.scheduler.sleep(1_000);
      expect(near.closed).toBeUndefined();
      world.network.heal();
      await world.scheduler.sleep(50);
      expect(near.closed).toBe('reset');

      world.network.link('b', 'a').mode = 'refuse';
      expect(await connecting().refused).toBe('refused');
      expect(Object.fromEntries(world.effects.counts)).toMatchObject({ cut: 1, halfOpen: 1, refuse: 1 });
    });
  });

  test('that begins to refuse breaks what is connected', async () => {
    await world.run(async () => {
      const { near, far } = await connected();
      world.network.link('a', 'b').mode = 'refuse';
      await world.scheduler.sleep(50);

      expect([near.closed, far.closed]).toEqual(['reset', 'reset']);
    });
  });

  test('that is clogged lets everything through at once when that ends', async () => {
    await world.run(async () => {
      const { near, far } = await connected();
      near.end.send(0);
      world.network.link('a', 'b').clog(world.scheduler.now() + 500);
      for (const number of numbers.slice(1)) near.end.send(number);
      await world.scheduler.sleep(499);
      expect(far.received).toEqual([]);

      await world.scheduler.sleep(30);
      expect(far.received).toEqual(numbers);
      expect(world.effects.of('clog')).toBe(1);
    });
  });

  test('that is slow counts once each time it is made so', async () => {
    await world.run(async () => {
      const { near, far } = await connected();
      const link = world.network.link('a', 'b');
      link.minDelayMs = 100;
      link.meanDelayMs = 100;
      const startMs = world.scheduler.now();
      near.end.send('x');
      near.end.send('y');
      await world.scheduler.until(() => far.received.length === 2);

      expect(world.scheduler.now() - startMs).toBeGreaterThanOrEqual(100);
      expect(world.effects.of('delay')).toBe(1);
    });
  });

  test('partitions separate groups from each other, and isolation one from all', () => {
    const c = world.addClient('c');
    world.network.partition(['a', 'b'], [c.name]);
    const modes = () =>
      ['ab', 'ba', 'ac', 'ca', 'bc', 'cb'].map((way) => world.network.link(way[0] ?? '', way[1] ?? '').mode);
    expect(modes()).toEqual(['open', 'open', 'cut', 'cut', 'cut', 'cut']);

    world.network.heal();
    world.network.isolate('a');
    expect(modes()).toEqual(['cut', 'cut', 'cut', 'cut', 'open', 'open']);
  });
});
