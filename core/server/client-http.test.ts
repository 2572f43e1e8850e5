import { afterEach, describe, expect, test } from '@jest/globals';
import { type RunningMember, startMember } from './start-member.js';

let running: RunningMember | undefined;
afterEach(async () => running?.close());

async function start(): Promise<string> {
  running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0' });
  return running.clientUrl as string;
}

const post = (url: string, body: object) =>
  fetch(url, { method: 'POST', body: JSON.stringify(body) }).then((answer) => answer.json());

describe('a member that listens', () => {
  test('answers JSON on the port of gRPC', async () => {
    const url = await start();

    await post(`${url}/v3/kv/put`, { key: 'Zm9v', value: 'YmFy' });
    const read = await post(`${url}/v3/kv/range`, { key: 'Zm9v' });

    expect(read).toMatchObject({ header: { revision: '2' }, kvs: [{ key: 'Zm9v', value: 'YmFy' }], count: '1' });
  });

  test('tells how it is', async () => {
    const url = await start();
    const textAt = (path: string) => fetch(url + path).then((answer) => answer.text());

    expect(await textAt('/health')).toBe('{"health":"true","reason":""}');
    expect(await textAt('/readyz')).toBe('ok\n');
  });
});
