import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from '@jest/globals';
import { toBytes, toText } from '../base/bytes.js';
import { DataDirError } from '../base/errors.js';
import type { Backend } from './backend.js';
import { describeBackend } from './backend.contract.js';
import { openLmdbBackend } from './lmdb-backend.js';
import { LmdbEngine } from './lmdb-engine.js';
import { ManualClock } from '../testing/manual-clock.js';
import { OverlayBackend } from './overlay-backend.js';
import { batchRecords, readPosition } from './testing/batch-records.js';
import { writeUntilFull, writeUntilKilled } from './testing/child-programs.js';

/** Compiled before the tests run. */
const CHILD_PROGRAMS = './dist/core/backend/testing/child-programs.js';

const folder = mkdtempSync(join(tmpdir(), 'conclave-backend-'));
let pathCount = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function freshPath(): string {
  pathCount += 1;
  return join(folder, `db-${pathCount}`);
}

describeBackend('an LMDB backend', async () => openLmdbBackend({ path: freshPath() }));

function list(backend: Backend, table: 'history' | 'lease' | 'meta'): string {
  return [...backend.scan(table)].map(([key, value]) => `${toText(key)}=${toText(value)}`).join(' ');
}

describe('an LMDB backend that is opened again', () => {
  it('holds what was flushed and what closing flushed', async () => {
    const path = freshPath();
    const first = openLmdbBackend({ path });
    first.write((batch) => {
      batch.put('history', toBytes('h'), toBytes('1'));
      batch.put('lease', toBytes('l'), toBytes('1'));
    });
    await first.flush();
    first.write((batch) => {
      batch.put('history', toBytes('i'), toBytes('2'));
      batch.delete('lease', toBytes('l'));
      batch.put('meta', toBytes('m'), toBytes('2'));
    });
    await first.close();

    const second = openLmdbBackend({ path });
    expect(['history', 'lease', 'meta'].map((table) => list(second, table as 'meta'))).toEqual(['h=1 i=2', '', 'm=2']);
    await second.close();
  });

  it('can be opened many times over, each adding to it', async () => {
    const path = freshPath();
    for (const key of ['a', 'b', 'c']) {
      const backend = openLmdbBackend({ path });
      backend.write((batch) => batch.put('meta', toBytes(key), toBytes(key)));
      await backend.close();
    }
    const backend = openLmdbBackend({ path });

    expect(list(backend, 'meta')).toBe('a=a b=b c=c');
    await backend.close();
  });
});

describe('an LMDB backend', () => {
  it('has in use what it holds, and not what was deleted, whatever size its file has', async () => {
    const backend = openLmdbBackend({ path: freshPath() });
    await backend.flush();
    const before = backend.usedBytes();
    const keys = Array.from({ length: 1_000 }, (_, at) => toBytes(`k${at}`));

    backend.write((batch) => keys.forEach((key) => batch.put('history', key, Buffer.alloc(3_000))));
    const waiting = backend.usedBytes();
    await backend.flush();
    const full = { used: backend.usedBytes(), size: backend.sizeBytes() };
    backend.write((batch) => keys.forEach((key) => batch.delete('history', key)));
    await backend.flush();

    expect(waiting - before).toBeGreaterThan(3_000_000);
    expect(full.used - before).toBeGreaterThan(3_000_000);
    expect(full.used).toBeLessThanOrEqual(full.size);
    expect(backend.usedBytes()).toBeLessThan(before + 100_000);
    expect(backend.sizeBytes()).toBeGreaterThanOrEqual(full.size);
    await backend.close();
  });
});

describe('an LMDB backend that is defragmented', () => {
  it('gives back the space of what was deleted, keeps the rest, and is found so at the next start', async () => {
    const path = freshPath();
    const backend = openLmdbBackend({ path });
    const keys = Array.from({ length: 3_000 }, (_, at) => toBytes(`k${String(at).padStart(6, '0')}`));
    for (let at = 0; at < keys.length; at += 100) {
      backend.write((batch) =>
        keys.slice(at, at + 100).forEach((key) => batch.put('history', key, Buffer.alloc(3_000, at))),
      );
      await backend.flush();
    }
    backend.write((batch) => keys.forEach((key, at) => at % 10 > 0 && batch.delete('history', key)));
    backend.write((batch) => batch.put('meta', toBytes('m'), toBytes('1')));
    await backend.flush();
    const before = {
      size: backend.sizeBytes(),
      used: backend.usedBytes(),
      text: [...backend.scan('history')].map(plain),
    };

    const next = `${path}.next`;
    const putInForce = async () => {
      renameSync(path, `${path}.former`);
      renameSync(next, path);
      return path;
    };
    await backend.defragment({ path: next, signal: new AbortController().signal, putInForce });

    expect(backend.sizeBytes()).toBeLessThan(before.size / 4);
    expect(backend.sizeBytes()).toBeLessThan(1.2 * before.used);
    expect([...backend.scan('history')].map(plain)).toEqual(before.text);
    backend.write((batch) => batch.put('meta', toBytes('m'), toBytes('2')));
    await backend.close();
    const again = openLmdbBackend({ path });
    expect([...again.scan('history')].map(plain)).toEqual(before.text);
    expect(list(again, 'meta')).toBe('m=2');
    await again.close();
  });
});

describe('an LMDB backend whose process is killed', () => {
  it('has whole batches only, and all that was flushed', async () => {
    const path = freshPath();
    for (const flushes of [1, 3, 6]) {
      const promised = await writeAndKill(path, flushes);
      const backend = openLmdbBackend({ path });
      const position = readPosition(backend);
      const expected = [position - 2, position - 1, position].flatMap((number) => batchRecords(number));

      expect(position).toBeGreaterThanOrEqual(promised);
      expect([...backend.scan('history')].map(plain)).toEqual(expected.map(plain));
      await backend.close();
    }
  });
});

/** Node's arguments to run one of the child programs on a path. */
function programOf(run: (path: string) => Promise<void>, path: string): string[] {
  const program = `import { ${run.name} } from '${CHILD_PROGRAMS}'; await ${run.name}(${JSON.stringify(path)});`;
  return ['--input-type=module', '-e', program];
}

/** @returns the last batch that the process said was flushed */
async function writeAndKill(path: string, flushes: number): Promise<number> {
  const child = spawn(process.execPath, programOf(writeUntilKilled, path), { stdio: ['ignore', 'pipe', 'inherit'] });
  let promised = 0;
  let told = 0;
  for await (const line of createInterface(child.stdout)) {
    promised = Number(line);
    told += 1;
    if (told === flushes) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  return promised;
}

function plain([key, value]: readonly [Uint8Array, Uint8Array]): string {
  return `${Buffer.from(key).toString('hex')} ${value.length} ${value[0]}`;
}

describe('an LMDB backend that cannot write', () => {
  it('tells everyone, keeps what it has readable, and can be closed', async () => {
    // No multiple of a page, so that a page is cut: LMDB reports that as an input/output error.
    const limited = `trap '' XFSZ; ulimit -f 501; exec "$0" "$@"`;
    // On its standard error is what LMDB prints, which cannot be turned off.
    const child = spawn('bash', ['-c', limited, process.execPath, ...programOf(writeUntilFull, freshPath())], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    for await (const chunk of child.stdout) output += String(chunk);

    expect(JSON.parse(output)).toEqual([
      'onFailure 5',
      'flush 5',
      'write 5',
      'late onFailure 5',
      'first record 10000',
      'closed',
    ]);
  });

  it('says that there is no room left before it asks LMDB', async () => {
    const backend = new OverlayBackend(
      new LmdbEngine(freshPath(), () => 1_000),
      Number.POSITIVE_INFINITY,
      new ManualClock(),
    );
    const told: unknown[] = [];
    backend.onFailure((error) => told.push((error as DataDirError).code));
    backend.write((batch) => batch.put('meta', toBytes('a'), toBytes('1')));

    await expect(backend.flush()).rejects.toMatchObject({ code: 'DATA_DIR_FULL' });
    expect(told).toEqual(['DATA_DIR_FULL']);
    await backend.close();
  });
});

describe('an LMDB backend that cannot be opened', () => {
  const open = (path: string) => {
    try {
      openLmdbBackend({ path });
    } catch (error) {
      expect(error).toBeInstanceOf(DataDirError);
      return (error as DataDirError).code;
    }
    return 'OPENED';
  };
  const withFile = (content: Uint8Array) => {
    const path = freshPath();
    mkdirSync(path);
    writeFileSync(join(path, 'data.mdb'), content);
    return path;
  };

  it.each([
    [
      'is a file',
      () => {
        const path = freshPath();
        writeFileSync(path, 'x');
        return path;
      },
    ],
    ['lies in a folder that does not exist', () => join(freshPath(), 'deep')],
    ['holds something else of some length', () => withFile(new Uint8Array(20_000).fill(7))],
    ['holds zeros', () => withFile(new Uint8Array(20_000))],
    ['holds something short', () => withFile(new Uint8Array(10).fill(7))],
    [
      'holds a folder where the database should be',
      () => {
        const path = freshPath();
        mkdirSync(join(path, 'data.mdb'), { recursive: true });
        return path;
      },
    ],
  ])('since its path %s says that it is unreadable', (_what, path) => {
    expect(open(path())).toBe('DATA_DIR_UNREADABLE');
  });

  it('takes an empty file for a new database', async () => {
    const backend = openLmdbBackend({ path: withFile(new Uint8Array(0)) });

    expect(list(backend, 'meta')).toBe('');
    await backend.close();
  });

  it('since it is of another version says which', async () => {
    const path = freshPath();
    const backend = openLmdbBackend({ path });
    await backend.close();
    const bytes = readFileSync(join(path, 'data.mdb'));
    const asVersion = (version: number) => {
      bytes.writeUInt16LE(version, 28);
      return open(withFile(bytes));
    };

    expect([asVersion(1), asVersion(3)]).toEqual(['DATA_DIR_UNREADABLE', 'DATA_DIR_NEWER_FORMAT']);
  });

  it('since it is cut short says that it is unreadable', async () => {
    const path = freshPath();
    const backend = openLmdbBackend({ path });
    await backend.close();
    const bytes = readFileSync(join(path, 'data.mdb'));

    expect(open(withFile(bytes.subarray(0, 4096)))).toBe('DATA_DIR_UNREADABLE');
  });
});
