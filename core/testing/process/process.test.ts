/** `conclave serve` as a process: how it ends, and which data folders it refuses. */
import { appendFile, mkdir, mkdtemp, open as openFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connect } from '../../connect.js';
import { ServeProcess } from './serve-process.js';

let dataDir: string;
const servers: ServeProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'conclave-process-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.end()));
  await rm(dataDir, { recursive: true, force: true });
});

function serve(...more: string[]): ServeProcess {
  const server = ServeProcess.spawn(['--data-dir', dataDir, '--listen-client-urls', 'http://127.0.0.1:0', ...more]);
  servers.push(server);
  return server;
}

async function putSome(url: string, count: number): Promise<void> {
  const store = await connect(url);
  for (let i = 0; i < count; i += 1) await store.put(`key/${i}`, `value ${i}`.repeat(20));
  await store.close();
}

async function segments(): Promise<string[]> {
  const files = (await readdir(join(dataDir, 'wal'))).sort();
  return files.map((file) => join(dataDir, 'wal', file));
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s drains, ends with 0, and what was written is there afterwards',
  async (signal) => {
    const first = serve();
    await putSome(await first.ready(), 10);
    first.kill(signal);
    expect((await first.ended).code).toBe(0);

    const store = await connect(await serve().ready());
    expect(await store.get('key/9')).toBeDefined();
    await store.close();
  },
);

test('writes under way when it is told to end are answered or told to be unknown, never lost after an answer', async () => {
  const first = serve();
  const store = await connect(await first.ready());
  const writes = Array.from({ length: 200 }, (_, i) =>
    store.put(`drain/${i}`, 'x').then(
      () => i,
      () => undefined,
    ),
  );
  first.kill('SIGTERM');
  const answered = (await Promise.all(writes)).filter((i) => i !== undefined);
  await store.close();
  expect((await first.ended).code).toBe(0);

  const again = await connect(await serve().ready());
  for (const i of answered) expect(await again.get(`drain/${i}`)).toBeDefined();
  await again.close();
});

test('a folder that another process has open is refused', async () => {
  await serve().ready();
  const { code, log } = await serve().ended;

  expect(code).toBe(1);
  expect(log).toContain('DATA_DIR_LOCKED');
  expect(log).toContain(dataDir);
});

test('a folder of a process that was killed opens again', async () => {
  const first = serve();
  await putSome(await first.ready(), 3);
  first.kill('SIGKILL');
  await first.ended;

  const store = await connect(await serve().ready());
  expect((await store.range('key/2')).count).toBe(1);
  await store.close();
});

test('a log that is damaged in the middle is refused with file and offset; nothing is changed', async () => {
  const first = serve();
  await putSome(await first.ready(), 20);
  await first.end();
  const [segment] = (await segments()) as [string];
  await flipByte(segment, 600);
  const before = await readFile(segment);

  const { code, log } = await serve().ended;

  expect(code).toBe(1);
  expect(log).toContain('LOG_DAMAGED');
  expect(log).toMatch(/is damaged at byte \d+/);
  expect(log).toContain(segment);
  expect((await readFile(segment)).equals(before)).toBe(true);
});

test('a torn last record is dropped, and the log says so', async () => {
  const first = serve();
  await putSome(await first.ready(), 20);
  first.kill('SIGKILL');
  await first.ended;
  const last = (await segments()).at(-1) as string;
  await appendTornRecord(last);

  const second = serve();
  const store = await connect(await second.ready());
  expect((await store.range('key/5')).count).toBe(1);
  await store.close();

  const { code, log } = await second.end();
  expect(code).toBe(0);
  expect(log).toMatch(/torn/);
  expect(log).toContain(last);
});

test('a folder of a newer format is refused with both versions', async () => {
  const first = serve();
  await first.ready();
  await first.end();
  await writeFile(join(dataDir, 'FORMAT'), '999\n');

  const { code, log } = await serve().ended;

  expect(code).toBe(1);
  expect(log).toContain('DATA_DIR_NEWER_FORMAT');
  expect(log).toContain('999');
});

test('a data folder that is a file is refused', async () => {
  await rm(dataDir, { recursive: true });
  await appendFile(dataDir, 'not a folder');

  const { code, log } = await serve().ended;

  expect(code).toBe(1);
  expect(log).toContain(dataDir);
  await rm(dataDir);
  await mkdir(dataDir);
});

test('an option that does not exist ends it with 2', async () => {
  const { code, log } = await serve('--no-such-option').ended;

  expect(code).toBe(2);
  expect(log).toContain('--no-such-option');
});

async function flipByte(path: string, offset: number): Promise<void> {
  const file = await openFile(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  await file.write(Uint8Array.of(byte[0]! ^ 0xff), 0, 1, offset);
  await file.close();
}

/** Leaves behind the log's end what a write that reached the disk only in part would leave. */
async function appendTornRecord(path: string): Promise<void> {
  const bytes = await readFile(path);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  const file = await openFile(path, 'r+');
  await file.write(new Uint8Array(40).fill(0xab), 0, 40, Math.ceil(end / 64) * 64);
  await file.close();
}
