import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from './connect.js';
import { open } from './embedded/open.js';
import type { EmbeddedStore } from './embedded/embedded-store.js';

let server: EmbeddedStore;
let port: string;
beforeAll(async () => {
  server = await open({ memory: true }, { listen: { host: '127.0.0.1', port: 0 } });
  port = new URL(server.clientUrl!).port;
  await server.put('where', 'there');
});
afterAll(() => server.close());

describe('connect', () => {
  test('opens a store in memory', async () => {
    await using store = await connect('embedded:memory');

    await store.put('a', '1');
    expect(await store.get('a')).toBeDefined();
  });

  test('opens a store in a folder, which is there when it is opened again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-connect-'));
    try {
      for (const expected of [1, 2]) {
        await using store = await connect(`embedded:${join(folder, 'data')}`);
        await store.put('a', 'x');
        expect((await store.get('a'))!.version).toBe(expected);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('hands its options to the store that it opens', async () => {
    await using store = await connect('embedded:memory', { embedded: { requestBytesMax: 100 } });

    await expect(store.put('a', 'x'.repeat(100))).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
  });

  test('to a namespace, sees and touches nothing else; closing it closes the store', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-connect-'));
    try {
      const url = `embedded:${folder}`;
      const team = await connect(url, { namespace: 'a/' });
      await team.put('k', '1');
      await team.close();
      await expect(team.get('k')).rejects.toMatchObject({ code: 'CLOSED' });

      // A folder is open once.
      await using store = await connect(url);
      expect(await store.get('a/k')).toBeDefined();
    } finally {
      await rm(folder, { recursive: true });
    }
    await using there = await connect(`http://127.0.0.1:${port}`, { namespace: Buffer.from('wh') });
    expect(await there.get('ere')).toBeDefined();
  });

  test.each([[''], [new Uint8Array(0)], [5 as unknown as string], ['x'.repeat(5_000)]])(
    'refuses the namespace %p, and opens nothing',
    async (namespace) => {
      const refused = connect('embedded:/nowhere/at/all', { namespace });
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'namespace' });
    },
  );

  test.each([
    ['http://127.0.0.1:PORT'],
    ['http://127.0.0.1:PORT/'],
    ['http://127.0.0.1:PORT,127.0.0.1:1'],
    ['http://127.0.0.1:PORT, http://localhost:1'],
  ])('%s reaches a member', async (url) => {
    await using store = await connect(url.replace('PORT', port));

    expect(await store.get('where')).toBeDefined();
  });

  test.each([
    '',
    'memory',
    'embedded:',
    '127.0.0.1:2379',
    'http://',
    'http://a:b',
    'http://a:1,',
    'http://a:1/path',
    'http://user@a:1',
    'http://a:1?b',
    'ftp://a:1',
    5 as unknown as string,
  ])('%p is refused', async (url) => {
    await expect(connect(url)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'url' });
  });
});
