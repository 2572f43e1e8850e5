import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { toBytes, toText } from '../base/bytes.js';
import { ClosedError } from '../base/errors.js';
import { type Backend, type Batch, KEY_BYTES_MAX, type ScanOptions, TABLES, type View } from './backend.js';

/** What every backend must do. `open` gives a new, empty one. */
export function describeBackend(name: string, open: () => Promise<Backend>): void {
  describe(name, () => {
    let backend: Backend;

    beforeEach(async () => {
      backend = await open();
    });

    afterEach(async () => {
      await backend.close();
    });

    // Every reading test runs twice: once over what is not yet in the engine, once over what is.
    for (const settle of [false, true]) {
      describe(settle ? 'after a flush' : 'before a flush', () => {
        const fill = async (change: (batch: Batch) => void) => {
          backend.write(change);
          if (settle) await backend.flush();
        };

        describeReading(() => backend, fill);
      });
    }

    describeScanOfBoth(() => backend);
    describeWriting(() => backend);
    describeViews(() => backend);
    describeClosing(() => backend);
  });
}

interface TextScan {
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

type Fill = (change: (batch: Batch) => void) => Promise<void>;

function describeReading(backend: () => Backend, fill: Fill): void {
  it('gives what was put', async () => {
    await fill((batch) => batch.put('meta', toBytes('a'), toBytes('1')));

    expect(read(backend(), 'a')).toBe('1');
    expect(read(backend(), 'b')).toBeUndefined();
  });

  it('gives the latest of several values', async () => {
    await fill((batch) => {
      batch.put('meta', toBytes('a'), toBytes('1'));
      batch.put('meta', toBytes('a'), toBytes('2'));
    });
    expect(read(backend(), 'a')).toBe('2');

    await fill((batch) => batch.put('meta', toBytes('a'), toBytes('3')));
    expect(read(backend(), 'a')).toBe('3');
  });

  it('forgets what was deleted, and deletes what is not there without complaint', async () => {
    await fill((batch) => batch.put('meta', toBytes('a'), toBytes('1')));
    await fill((batch) => {
      batch.delete('meta', toBytes('a'));
      batch.delete('meta', toBytes('never'));
    });

    expect(read(backend(), 'a')).toBeUndefined();
    expect(list(backend())).toBe('');
  });

  it('carries out the changes of a batch in their order', async () => {
    await fill((batch) => {
      batch.put('meta', toBytes('a'), toBytes('1'));
      batch.delete('meta', toBytes('a'));
      batch.delete('meta', toBytes('b'));
      batch.put('meta', toBytes('b'), toBytes('2'));
    });

    expect(list(backend())).toBe('b=2');
  });

  it('keeps the tables apart', async () => {
    await fill((batch) => {
      for (const table of TABLES) batch.put(table, toBytes('same'), toBytes(table));
    });
    await fill((batch) => batch.delete('lease', toBytes('same')));

    expect(backend().get('history', toBytes('same'))).toEqual(asStored('history'));
    expect(backend().get('lease', toBytes('same'))).toBeUndefined();
    expect(backend().get('meta', toBytes('same'))).toEqual(asStored('meta'));
  });

  it('keeps empty values and every byte', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    await fill((batch) => {
      batch.put('meta', toBytes('empty'), new Uint8Array(0));
      batch.put('history', bytes, bytes);
    });

    expect(backend().get('meta', toBytes('empty'))).toHaveLength(0);
    expect(Buffer.from(backend().get('history', bytes) as Uint8Array)).toEqual(Buffer.from(bytes));
    expect([...backend().scan('history')].map(([key]) => Buffer.from(key))).toEqual([Buffer.from(bytes)]);
  });

  it('keeps keys of the longest length and large values', async () => {
    const key = new Uint8Array(KEY_BYTES_MAX).fill(0xff);
    const value = new Uint8Array(1_600_000).fill(7);
    await fill((batch) => batch.put('history', key, value));

    expect(Buffer.compare(backend().get('history', key) as Uint8Array, value)).toBe(0);
    expect([...backend().scan('history')].map(([found]) => found.length)).toEqual([KEY_BYTES_MAX]);
  });

  it('scans in byte order', async () => {
    const keys = [[0], [0, 0], [0, 255], [1], [97], [97, 0], [97, 98], [127], [128], [255], [255, 255]];
    await fill((batch) => {
      for (const key of keys.toReversed()) batch.put('history', Uint8Array.from(key), toBytes('x'));
    });

    expect([...backend().scan('history')].map(([key]) => [...key])).toEqual(keys);
    expect([...backend().scan('history', { reverse: true })].map(([key]) => [...key])).toEqual(keys.toReversed());
  });

  it('scans nothing in an empty table', async () => {
    await fill((batch) => batch.put('meta', toBytes('a'), toBytes('1')));

    expect([...backend().scan('history')]).toEqual([]);
    expect([...backend().scan('history', { reverse: true, to: toBytes('z'), from: toBytes('a') })]).toEqual([]);
  });

  it.each<[options: TextScan, expected: string]>([
    [{}, 'b d f h'],
    [{ from: 'd' }, 'd f h'],
    [{ from: 'c' }, 'd f h'],
    [{ to: 'f' }, 'b d'],
    [{ to: 'g' }, 'b d f'],
    [{ from: 'd', to: 'h' }, 'd f'],
    [{ from: 'i' }, ''],
    [{ to: 'b' }, ''],
    [{ from: 'f', to: 'f' }, ''],
    [{ from: 'h', to: 'b' }, ''],
    [{ limit: 0 }, ''],
    [{ limit: 3 }, 'b d f'],
    [{ limit: 4 }, 'b d f h'],
    [{ limit: 5 }, 'b d f h'],
    [{ from: 'c', to: 'z', limit: 2 }, 'd f'],
    [{ reverse: true }, 'h f d b'],
    [{ reverse: true, to: 'f' }, 'd b'],
    [{ reverse: true, to: 'g' }, 'f d b'],
    [{ reverse: true, from: 'd' }, 'h f d'],
    [{ reverse: true, from: 'c', to: 'h' }, 'f d'],
    [{ reverse: true, to: 'z', limit: 2 }, 'h f'],
    [{ reverse: true, from: 'h', to: 'b' }, ''],
    [{ reverse: true, to: 'a' }, ''],
  ])('scans %j', async (options, expected) => {
    await fill((batch) => {
      for (const key of ['f', 'b', 'h', 'd']) batch.put('meta', toBytes(key), toBytes('x'));
    });

    const { from, to, ...rest } = options;
    const bounds = { ...(from && { from: toBytes(from) }), ...(to && { to: toBytes(to) }) };
    const found = [...backend().scan('meta', { ...rest, ...bounds })];

    expect(found.map(([key]) => toText(key)).join(' ')).toBe(expected);
  });

  it('gives values that a later read or write does not change', async () => {
    await fill((batch) => {
      batch.put('meta', toBytes('a'), toBytes('first'));
      batch.put('meta', toBytes('b'), toBytes('second'));
    });
    const first = backend().get('meta', toBytes('a')) as Uint8Array;
    const scanned = [...backend().scan('meta')];
    backend().get('meta', toBytes('b'));
    await fill((batch) => batch.put('meta', toBytes('a'), toBytes('other')));
    backend().get('meta', toBytes('a'));

    expect(toText(first)).toBe('first');
    expect(scanned.map(([key, value]) => `${toText(key)}=${toText(value)}`)).toEqual(['a=first', 'b=second']);
  });
}

function describeScanOfBoth(backend: () => Backend): void {
  describe('with one half in the engine and the other not yet', () => {
    beforeEach(async () => {
      backend().write((batch) => {
        for (const key of ['a', 'c', 'e', 'g', 'i']) batch.put('meta', toBytes(key), toBytes('old'));
      });
      await backend().flush();
      backend().write((batch) => {
        batch.put('meta', toBytes('b'), toBytes('new'));
        batch.put('meta', toBytes('c'), toBytes('new'));
        batch.delete('meta', toBytes('e'));
        batch.delete('meta', toBytes('f'));
        batch.delete('meta', toBytes('i'));
        batch.put('meta', toBytes('j'), toBytes('new'));
      });
    });

    it('merges both, the newer winning', () => {
      expect(list(backend())).toBe('a=old b=new c=new g=old j=new');
      expect(list(backend(), { reverse: true })).toBe('j=new g=old c=new b=new a=old');
    });

    it('counts towards the limit only what it gives', () => {
      expect(list(backend(), { limit: 4 })).toBe('a=old b=new c=new g=old');
      expect(list(backend(), { limit: 4, from: toBytes('b') })).toBe('b=new c=new g=old j=new');
      expect(list(backend(), { limit: 2, reverse: true, to: toBytes('j') })).toBe('g=old c=new');
    });

    it('reads single keys from the newer half first', () => {
      expect(['a', 'c', 'e', 'j'].map((key) => read(backend(), key))).toEqual(['old', 'new', undefined, 'new']);
    });
  });
}

function describeWriting(backend: () => Backend): void {
  it('writes nothing of a batch whose filling throws, and passes the error on', async () => {
    backend().write((batch) => batch.put('meta', toBytes('a'), toBytes('1')));

    const attempt = () =>
      backend().write((batch) => {
        batch.put('meta', toBytes('a'), toBytes('2'));
        batch.put('history', toBytes('b'), toBytes('2'));
        throw new RangeError('half-way');
      });

    expect(attempt).toThrow(new RangeError('half-way'));
    await backend().flush();
    expect(read(backend(), 'a')).toBe('1');
    expect(backend().get('history', toBytes('b'))).toBeUndefined();
  });

  it('shows nothing of a batch before it is whole', () => {
    backend().write((batch) => {
      batch.put('meta', toBytes('a'), toBytes('1'));
      expect(read(backend(), 'a')).toBeUndefined();
    });

    expect(read(backend(), 'a')).toBe('1');
  });

  it('gives every write a batch of its own', () => {
    const batches = new Set<Batch>();
    for (let write = 0; write < 3; write += 1) backend().write((batch) => void batches.add(batch));

    expect(batches.size).toBe(3);
  });

  it('refuses keys that are empty or too long', () => {
    const put = (key: Uint8Array) => () => backend().write((batch) => batch.put('meta', key, toBytes('x')));

    expect(put(new Uint8Array(0))).toThrow('1 to 511 bytes');
    expect(put(new Uint8Array(KEY_BYTES_MAX + 1))).toThrow('1 to 511 bytes');
    expect(put(new Uint8Array(KEY_BYTES_MAX))).not.toThrow();
  });

  it('is drained and flushed when nothing was written', async () => {
    expect(backend().overfull).toBe(false);
    await backend().drained();
    await backend().flush();
    await backend().flush();
  });

  it('grows with what it holds', async () => {
    const before = backend().sizeBytes();
    backend().write((batch) => {
      for (let key = 1; key <= 100; key += 1) batch.put('history', Uint8Array.of(key), new Uint8Array(10_000));
    });
    await backend().flush();

    expect(backend().sizeBytes()).toBeGreaterThanOrEqual(before + 1_000_000);
  });
}

function describeViews(backend: () => Backend): void {
  it.each([false, true])('a view does not see what is written later (flushed: %s)', async (flushed) => {
    backend().write((batch) => {
      for (const key of ['a', 'b', 'c']) batch.put('meta', toBytes(key), toBytes('old'));
    });
    if (flushed) await backend().flush();

    const view = backend().view();
    backend().write((batch) => {
      batch.put('meta', toBytes('a'), toBytes('new'));
      batch.delete('meta', toBytes('b'));
      batch.put('meta', toBytes('d'), toBytes('new'));
    });
    await backend().flush();

    expect(list(view)).toBe('a=old b=old c=old');
    expect(list(view, { from: toBytes('b'), reverse: true, limit: 1 })).toBe('c=old');
    expect(['a', 'b', 'd'].map((key) => read(view, key))).toEqual(['old', 'old', undefined]);
    expect(list(backend())).toBe('a=new c=old d=new');
    view.close();
  });

  it('views of different moments live side by side', async () => {
    const views = [];
    for (const value of ['1', '2', '3']) {
      backend().write((batch) => batch.put('meta', toBytes('a'), toBytes(value)));
      views.push(backend().view());
      await backend().flush();
    }

    expect(views.map((view) => read(view, 'a'))).toEqual(['1', '2', '3']);
    for (const view of views) view.close();
  });

  it('a view that was closed answers no more, and may be closed again', () => {
    const view = backend().view();
    view.close();
    view.close();

    expect(() => view.get('meta', toBytes('a'))).toThrow(ClosedError);
    expect(() => view.scan('meta')).toThrow(ClosedError);
  });
}

function describeClosing(backend: () => Backend): void {
  it('refuses everything once it is closed, and may be closed again', async () => {
    backend().write((batch) => batch.put('meta', toBytes('a'), toBytes('1')));
    await backend().close();
    await backend().close();

    expect(() => read(backend(), 'a')).toThrow(ClosedError);
    expect(() => backend().scan('meta')).toThrow(ClosedError);
    expect(() => backend().write(() => {})).toThrow(ClosedError);
    expect(() => backend().view()).toThrow(ClosedError);
    expect(() => backend().sizeBytes()).toThrow(ClosedError);
    await expect(backend().flush()).rejects.toThrow(ClosedError);
    await expect(backend().drained()).rejects.toThrow(ClosedError);
  });
}

function read(view: View, key: string): string | undefined {
  const value = view.get('meta', toBytes(key));
  return value && toText(value);
}

function list(view: View, options?: ScanOptions): string {
  return [...view.scan('meta', options)].map(([key, value]) => `${toText(key)}=${toText(value)}`).join(' ');
}

function asStored(text: string): unknown {
  return expect.objectContaining({ length: text.length, 0: text.charCodeAt(0) });
}
