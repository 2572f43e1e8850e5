import { describe, expect, it } from '@jest/globals';
import { toBytes, toMapKey } from '../base/bytes.js';
import { everything, fromKey, key as oneKey, prefix, range } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import { KeyIndex } from './key-index.js';

/** `put` and `delete` in order; the versions are counted for it. */
class Recorder {
  readonly index = new KeyIndex();

  put(key: string, main: number, sub = 0): this {
    const entry = this.index.get(key);
    const state = entry?.isAlive
      ? { version: entry.version + 1, createRevision: entry.createRevision }
      : { version: 1, createRevision: main };
    this.index.record(key, { main, sub }, state, entry);
    return this;
  }

  delete(key: string, main: number, sub = 0): this {
    this.index.record(key, { main, sub }, { version: 0, createRevision: 0 }, this.index.get(key));
    return this;
  }

  /** Which revision of a key is read at each of these. */
  at(key: string, ...revisions: number[]): string {
    return revisions
      .map((revision) => this.index.get(key)?.at(revision))
      .map((version) => (version ? `${version.main}.${version.sub}` : '-'))
      .join(' ');
  }

  visit(target: KeyRange, revision: number): string {
    const found: string[] = [];
    this.index.visit(target, revision, (version) => found.push(`${version.key}@${version.main}`));
    return found.join(' ');
  }

  free(compactRevision: number): string {
    const freed: string[] = [];
    for (;;) {
      const revision = this.index.free(compactRevision);
      if (!revision) return freed.join(' ');
      freed.push(`${revision.main}.${revision.sub}`);
    }
  }
}

/** The worked example in the comment on KeyEntry. */
function workedExample(): Recorder {
  return new Recorder().put('k', 2).put('k', 3).delete('k', 4).put('k', 5).put('k', 6);
}

describe('a key', () => {
  it('is read as of any revision', () => {
    expect(workedExample().at('k', 1, 2, 3, 4, 5, 6, 9)).toBe('- 2.0 3.0 - 5.0 6.0 6.0');
  });

  it('counts versions and keeps the create revision within a generation', () => {
    const { index } = workedExample();

    expect(index.get('k')).toMatchObject({ main: 6, version: 2, createRevision: 5, isAlive: true });
  });

  it('is read as the last of several changes in one revision', () => {
    const recorder = new Recorder().put('k', 2, 0).delete('k', 3, 0).put('k', 3, 1).delete('k', 4, 0);

    expect(recorder.at('k', 2, 3, 4)).toBe('2.0 3.1 -');
  });
});

describe('compaction', () => {
  it.each([
    [1, ''],
    [2, ''],
    [3, '2.0'],
    [4, '2.0 3.0'],
    [5, '2.0 3.0 4.0'],
    [6, '2.0 3.0 4.0 5.0'],
  ])('at %i frees %j', (compactRevision, freed) => {
    const recorder = workedExample();

    expect(recorder.free(compactRevision)).toBe(freed);
    expect(recorder.index.hasGarbage(compactRevision)).toBe(false);
    expect(recorder.at('k', 6)).toBe('6.0');
  });

  it('keeps what can be read from the compact revision on', () => {
    const recorder = workedExample();
    recorder.free(3);

    expect(recorder.at('k', 3, 4, 5, 6)).toBe('3.0 - 5.0 6.0');
  });

  it('keeps a tombstone at its own revision and forgets the key one later', () => {
    const recorder = new Recorder().put('k', 2).delete('k', 3).put('other', 4);

    expect(recorder.free(3)).toBe('2.0');
    expect(recorder.index.get('k')).toBeDefined();
    expect(recorder.free(4)).toBe('3.0');
    expect(recorder.index.get('k')).toBeUndefined();
    expect(recorder.index.size).toBe(1);
  });

  it('frees what one revision deleted of many keys only after that revision', () => {
    const recorder = new Recorder().put('a', 2).put('b', 3).delete('a', 4, 0).delete('b', 4, 1).put('c', 5);

    expect(recorder.free(4)).toBe('2.0 3.0');
    expect(recorder.free(5)).toBe('4.0 4.1');
  });

  it('frees the tombstone of a key that was put again once', () => {
    const recorder = new Recorder().put('k', 2).delete('k', 3).put('k', 4).put('z', 5).put('z', 6);

    expect(recorder.free(6)).toBe('2.0 3.0 5.0');
    expect(recorder.at('k', 6)).toBe('4.0');
  });

  it('frees in the order in which records became superseded', () => {
    const recorder = new Recorder().put('a', 2).put('b', 3).put('b', 4).put('a', 5).put('b', 6);

    expect(recorder.free(6)).toBe('3.0 2.0 4.0');
  });

  it('forgets at most one record at a time and says whether more is left', () => {
    const { index } = workedExample();

    expect(index.free(4)).toEqual({ main: 2, sub: 0 });
    expect(index.hasGarbage(4)).toBe(true);
    expect(index.free(4)).toEqual({ main: 3, sub: 0 });
    expect(index.hasGarbage(4)).toBe(false);
    expect(index.free(4)).toBeUndefined();
  });

  it('keeps up over many revisions of one key', () => {
    const recorder = new Recorder();
    for (let main = 2; main <= 5001; main += 1) recorder.put('k', main);

    expect(recorder.free(5001).split(' ')).toHaveLength(4999);
    expect(recorder.at('k', 5001)).toBe('5001.0');
    expect(recorder.put('k', 5002).free(5002)).toBe('5001.0');
  });

  it('loses nothing that is readable where one revision deletes, puts and deletes a key', () => {
    const recorder = new Recorder().put('k', 2).delete('k', 3, 0).put('k', 3, 1).delete('k', 3, 2).put('z', 4);

    recorder.free(3);
    expect(recorder.at('k', 3)).toBe('-');
    recorder.free(4);
    expect(recorder.index.get('k')).toBeUndefined();
  });
});

describe('visiting a range', () => {
  const recorder = new Recorder();
  ['b', 'a', 'ab', 'c', 'abc'].forEach((key, at) => recorder.put(key, at + 2));
  recorder.delete('c', 7).put('b', 8);

  it.each<[name: string, target: KeyRange, revision: number, expected: string]>([
    ['everything in key order', everything(), 8, 'a@3 ab@4 abc@6 b@8'],
    ['everything as it was', everything(), 5, 'a@3 ab@4 b@2 c@5'],
    ['nothing before the first revision', everything(), 1, ''],
    ['one key', oneKey('ab'), 8, 'ab@4'],
    ['one key that does not exist', oneKey('abcd'), 8, ''],
    ['one key that was deleted', oneKey('c'), 8, ''],
    ['a prefix', prefix('ab'), 8, 'ab@4 abc@6'],
    ['from its start, without its end', range('ab', 'b'), 8, 'ab@4 abc@6'],
    ['from a key on', fromKey('abc'), 8, 'abc@6 b@8'],
    ['from a key on that is past all', fromKey('x'), 8, ''],
    ['nothing in an empty range', range('b', 'b'), 8, ''],
    ['nothing in a range that is the wrong way round', range('c', 'a'), 8, ''],
  ])('finds %s', (_name, target, revision, expected) => {
    expect(recorder.visit(target, revision)).toBe(expected);
  });

  it('finds nothing where there is nothing', () => {
    expect(new Recorder().visit(everything(), 1)).toBe('');
    expect(new Recorder().visit(prefix('a'), 1)).toBe('');
  });

  it('orders keys by their bytes, not as text', () => {
    const bytewise = new Recorder();
    const keys = [[0xff], [0x80], [0x7f], [0xc3, 0xa9], [0xff, 0x00]].map((bytes) => toMapKey(Uint8Array.from(bytes)));
    keys.forEach((key, at) => bytewise.put(key, at + 2));
    const found: string[] = [];
    bytewise.index.visit(everything(), 9, (version) => found.push(Buffer.from(version.key, 'latin1').toString('hex')));

    expect(found).toEqual(['7f', '80', 'c3a9', 'ff', 'ff00']);
    expect(bytewise.visit({ key: toBytes('\u007f'), end: Uint8Array.of(0x81) }, 9).length).toBeGreaterThan(0);
  });
});
