import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toBytes, toText } from '../base/bytes.js';
import { ClosedError } from '../base/errors.js';
import { ManualClock, settle } from '../testing/manual-clock.js';
import { VirtualDisk } from '../testing/simulation/disk/virtual-disk.js';
import { VirtualEngine } from '../testing/simulation/disk/virtual-engine.js';
import { type Rewriting, type Table, TABLES, type View } from './backend.js';
import { describeBackend } from './backend.contract.js';
import type { Engine } from './engine.js';
import { OverlayBackend } from './overlay-backend.js';
import { RewritableEngine } from './rewritable-engine.js';

const NEVER = new AbortController().signal;
/** A few entries at a time, so that little data takes many steps. */
const STEP = { entries: 3, bytes: 1_000 };

let disk: VirtualDisk;
let clock: ManualClock;
let opened: Engine[];
let closedPaths: string[];
/** How much room the disk has for who asks. */
let freeBytes: number;

beforeEach(() => {
  disk = new VirtualDisk();
  clock = new ManualClock();
  opened = [];
  closedPaths = [];
  freeBytes = Number.POSITIVE_INFINITY;
});

async function openEngine(path: string): Promise<Engine> {
  const engine = await VirtualEngine.open(disk, path);
  const close = engine.close.bind(engine);
  engine.close = () => {
    closedPaths.push(path);
    return close();
  };
  engine.freeBytes = () => freeBytes;
  opened.push(engine);
  return engine;
}

async function openBackend(): Promise<OverlayBackend> {
  return new OverlayBackend(
    new RewritableEngine(await openEngine('/db'), openEngine, clock, STEP),
    Number.POSITIVE_INFINITY,
    clock,
  );
}

/** The n-th attempt. */
function attempt(n = 1, options: Partial<Rewriting> = {}): Rewriting {
  const path = `/db.${n}`;
  return { path, signal: NEVER, putInForce: async () => path, ...options };
}

function put(backend: OverlayBackend, table: Table, ...keys: readonly string[]): void {
  backend.write((batch) => keys.forEach((key) => batch.put(table, toBytes(key), toBytes(`value of ${key}`))));
}

function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, at) => String(from + at).padStart(5, '0'));
}

function all(view: View): string {
  return TABLES.map((table) => [...view.scan(table)].map((entry) => entry.map(toText).join('=')).join(' ')).join('\n');
}

/** What an engine holds that is opened anew, after everything else. */
async function readBack(path: string): Promise<string> {
  const backend = new OverlayBackend(await VirtualEngine.open(disk, path), Number.POSITIVE_INFINITY, clock);
  const text = all(backend);
  await backend.close();
  return text;
}

describeBackend('a backend that was written anew', async () => {
  disk = new VirtualDisk();
  clock = new ManualClock();
  const backend = await openBackend();
  await backend.defragment(attempt());
  return backend;
});

describe('writing an engine anew', () => {
  it('keeps everything, in every table, and goes on in the new place', async () => {
    const backend = await openBackend();
    for (const table of TABLES) put(backend, table, ...numbered(0, 10));
    await backend.flush();
    const before = all(backend);

    await backend.defragment(attempt());

    expect(all(backend)).toBe(before);
    put(backend, 'meta', 'later');
    await backend.flush();
    const after = all(backend);
    await backend.close();
    expect(after).toContain('later=value of later');
    expect(await readBack('/db.1')).toBe(after);
  });

  it('leaves out what was deleted', async () => {
    const backend = await openBackend();
    for (const key of numbered(0, 100)) {
      put(backend, 'history', key);
      await backend.flush();
    }
    backend.write((batch) => numbered(1, 100).forEach((key) => batch.delete('history', toBytes(key))));
    await backend.flush();
    const before = backend.sizeBytes();

    await backend.defragment(attempt());

    expect(backend.sizeBytes()).toBeLessThan(before / 10);
    expect(all(backend).trim()).toBe('00000=value of 00000');
    await backend.close();
  });

  it('lets reads and writes go on, and loses none of them, wherever the copy is', async () => {
    const key = fc.integer({ min: 0, max: 30 }).map((n) => String(n).padStart(5, '0'));
    const change = fc.tuple(fc.constantFrom(...TABLES), key, fc.option(fc.constantFrom('x', 'y'), { nil: undefined }));
    const batches = fc.array(fc.array(change, { minLength: 1, maxLength: 5 }), { maxLength: 25 });
    const idleTurns = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 25 });

    await fc.assert(
      fc.asyncProperty(batches, idleTurns, fc.integer({ min: 0, max: 60 }), async (script, turns, filled) => {
        disk = new VirtualDisk();
        const backend = await openBackend();
        put(backend, 'history', ...numbered(0, filled));
        put(backend, 'lease', ...numbered(0, filled % 7));
        await backend.flush();
        const model = new Map<string, string>();
        for (const table of TABLES)
          for (const [at, value] of backend.scan(table)) model.set(`${table} ${toText(at)}`, toText(value));
        let isDone = false;
        const defragmented = backend.defragment(attempt()).then(() => (isDone = true));

        for (const [at, changes] of script.entries()) {
          backend.write((batch) => {
            for (const [table, name, value] of changes) {
              if (value === undefined) batch.delete(table, toBytes(name));
              else batch.put(table, toBytes(name), toBytes(value));
              if (value === undefined) model.delete(`${table} ${name}`);
              else model.set(`${table} ${name}`, value);
            }
          });
          if (at % 2 === 0) void backend.flush();
          for (let turn = turns[at % turns.length] as number; turn > 0; turn -= 1)
            await new Promise((resolve) => setImmediate(resolve));
          expect(textOf(backend)).toEqual(sorted(model));
        }
        await defragmented;
        await backend.close();

        expect(isDone).toBe(true);
        const back = new OverlayBackend(await VirtualEngine.open(disk, '/db.1'), Number.POSITIVE_INFINITY, clock);
        expect(textOf(back)).toEqual(sorted(model));
        await back.close();
      }),
      { seed: 20_261_121, numRuns: 60 },
    );
  });

  it('comes to an end though more is written all the time than one step copies', async () => {
    const backend = await openBackend();
    put(backend, 'history', ...numbered(0, 50));
    await backend.flush();
    let isDone = false;
    const defragmented = backend.defragment(attempt()).then(() => (isDone = true));

    let written = 50;
    for (; !isDone && written < 5_000; written += 10) {
      put(backend, 'history', ...numbered(written, written + 10));
      await backend.flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await defragmented;

    expect(written).toBeLessThan(5_000);
    expect([...backend.scan('history')]).toHaveLength(written);
    await backend.close();
  });

  it('waits at its end for the transaction that is under way, so that it is not lost', async () => {
    const backend = await openBackend();
    put(backend, 'history', ...numbered(0, 20));
    await backend.flush();
    const [engine] = opened as [Engine];
    const commit = engine.commit.bind(engine);
    let goOn!: () => void;
    const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
    const defragmented = backend.defragment(attempt());
    await new Promise((resolve) => setImmediate(resolve));
    engine.commit = (overlay) => mayGoOn.then(() => commit(overlay));

    put(backend, 'history', '00003 more');
    const flushed = backend.flush();
    await settle();
    expect(opened).toHaveLength(2);
    goOn();
    await Promise.all([defragmented, flushed]);

    await backend.close();
    expect(await readBack('/db.1')).toContain('00003 more');
  });

  it('ends the former engine when the last view of it is closed, not before', async () => {
    const backend = await openBackend();
    put(backend, 'history', 'a');
    await backend.flush();
    const [first, second] = [backend.view(), backend.view()];

    await backend.defragment(attempt());
    put(backend, 'history', 'b');
    await backend.flush();

    expect(all(first).trim()).toBe('a=value of a');
    first.close();
    expect(closedPaths).toEqual([]);
    second.close();
    expect(closedPaths).toEqual(['/db']);
    await backend.close();
    expect(closedPaths).toEqual(['/db', '/db.1']);
  });

  it('may happen any number of times', async () => {
    const backend = await openBackend();
    for (let n = 1; n <= 4; n += 1) {
      put(backend, 'meta', `k${n}`);
      await backend.defragment(attempt(n));
    }

    expect([...backend.scan('meta')].map(([key]) => toText(key))).toEqual(['k1', 'k2', 'k3', 'k4']);
    await backend.close();
    expect(closedPaths).toHaveLength(5);
  });
});

describe('while the new engine is put in force', () => {
  it('transactions wait, and nothing else does', async () => {
    const backend = await openBackend();
    put(backend, 'meta', 'a');
    await backend.flush();
    let goOn!: (path: string) => void;
    const asked = new Promise<void>((resolve) => {
      const putInForce = () => {
        resolve();
        return new Promise<string>((answer) => (goOn = answer));
      };
      void backend.defragment(attempt(1, { putInForce }));
    });
    await asked;

    put(backend, 'meta', 'b');
    const flushed = backend.flush().then(() => 'flushed');
    await clock.advance(1_000);

    expect(backend.get('meta', toBytes('b'))).toBeDefined();
    expect(await Promise.race([flushed, Promise.resolve('waiting')])).toBe('waiting');
    goOn('/db.1');
    expect(await flushed).toBe('flushed');
    await backend.close();
    expect(await readBack('/db')).toContain('a=');
    expect(await readBack('/db')).not.toContain('b=');
    expect(await readBack('/db.1')).toContain('b=');
  });

  it('the backend fails if that does, for nobody knows which of them a restart would find', async () => {
    const backend = await openBackend();
    put(backend, 'meta', 'a');
    const told: string[] = [];
    backend.onFailure((error) => told.push(error.message));
    const putInForce = () => Promise.reject(new Error('the folder was not synced'));

    await expect(backend.defragment(attempt(1, { putInForce }))).rejects.toThrow('the folder was not synced');

    expect(told).toEqual(['the folder was not synced']);
    expect(() => put(backend, 'meta', 'b')).toThrow('the folder was not synced');
    await expect(backend.flush()).rejects.toThrow('the folder was not synced');
    await backend.close().catch(() => undefined);
    expect(told).toHaveLength(1);
  });

  it('a transaction that was held then is not made', async () => {
    const backend = await openBackend();
    put(backend, 'meta', 'a');
    await backend.flush();
    const putInForce = async () => {
      put(backend, 'meta', 'b');
      await clock.advance(1_000);
      throw new Error('no');
    };

    await expect(backend.defragment(attempt(1, { putInForce }))).rejects.toThrow('no');

    await expect(backend.flush()).rejects.toThrow('no');
    await backend.close().catch(() => undefined);
    expect(await readBack('/db')).not.toContain('b=');
  });
});

describe('an attempt that comes to nothing', () => {
  const filled = async () => {
    const backend = await openBackend();
    put(backend, 'history', ...numbered(0, 40));
    await backend.flush();
    return backend;
  };
  const goesOn = async (backend: OverlayBackend) => {
    put(backend, 'meta', 'goes on');
    await backend.flush();
    await backend.close();
    expect(await readBack('/db')).toContain('goes on');
  };

  it('is refused where there is no room for both engines beside what others need', async () => {
    const backend = await filled();
    freeBytes = 64 * 2 ** 20;

    await expect(backend.defragment(attempt())).rejects.toMatchObject({ code: 'DATA_DIR_FULL' });

    expect(opened).toHaveLength(1);
    await goesOn(backend);
  });

  it('ends where room runs out, and closes what it opened', async () => {
    const backend = new OverlayBackend(
      new RewritableEngine(await openEngine('/db'), openEngine, clock, STEP),
      0,
      clock,
    );
    put(backend, 'history', ...numbered(0, 40));
    await backend.flush();
    const open = clock.soon.bind(clock);
    let steps = 0;
    clock.soon = (callback) => {
      steps += 1;
      if (steps === 5) freeBytes = 64 * 2 ** 20 - 1;
      open(callback);
    };

    await expect(backend.defragment(attempt())).rejects.toMatchObject({ code: 'DATA_DIR_FULL' });

    expect(steps).toBe(5);
    expect(closedPaths).toEqual(['/db.1']);
    freeBytes = Number.POSITIVE_INFINITY;
    await backend.defragment(attempt(2));
    await backend.close();
  });

  it('ends with the signal, at the next step', async () => {
    const backend = await filled();
    const ending = new AbortController();
    const rewritten = backend.defragment(attempt(1, { signal: ending.signal }));
    await new Promise((resolve) => setImmediate(resolve));

    ending.abort(new Error('not now'));

    await expect(rewritten).rejects.toThrow('not now');
    expect(closedPaths).toEqual(['/db.1']);
    await goesOn(backend);
  });

  it('ends when the backend is closed, which waits for that', async () => {
    const backend = await filled();
    const rewritten = backend.defragment(attempt()).catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve));
    put(backend, 'meta', 'last');

    await backend.close();

    expect(await rewritten).toBeInstanceOf(ClosedError);
    expect(closedPaths).toEqual(['/db.1', '/db']);
    expect(await readBack('/db')).toContain('last');
  });

  it('ends where a sync of the new engine fails, which harms the other in nothing; and then none is made any more', async () => {
    const backend = await filled();
    disk.fault = ({ name, path }) => (name === 'sync' && path.startsWith('/db.1') ? { code: 'EIO' } : undefined);
    const rewritten = backend.defragment(attempt());
    put(backend, 'history', '00000');

    await expect(rewritten).rejects.toMatchObject({ code: 'EIO' });

    disk.fault = () => undefined;
    await expect(backend.defragment(attempt(2))).rejects.toMatchObject({ code: 'EIO' });
    expect(opened).toHaveLength(2);
    await goesOn(backend);
  });

  it('ends where the engine itself fails', async () => {
    const backend = await filled();
    const rewritten = backend.defragment(attempt());
    disk.fault = ({ name, path }) => (name === 'sync' && path.startsWith('/db/') ? { code: 'EIO' } : undefined);
    put(backend, 'meta', 'a');
    const flushed = backend.flush();

    await expect(flushed).rejects.toMatchObject({ code: 'EIO' });
    await expect(rewritten).rejects.toMatchObject({ code: 'EIO' });
    await backend.close().catch(() => undefined);
    expect(closedPaths).toEqual(['/db.1', '/db']);
  });
});

function textOf(view: View): string[] {
  return TABLES.flatMap((table) =>
    [...view.scan(table)].map(([key, value]) => `${table} ${toText(key)}=${toText(value)}`),
  );
}

function sorted(model: ReadonlyMap<string, string>): string[] {
  return [...model].map(([key, value]) => `${key}=${value}`).sort();
}
