import { afterEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
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

describe('the metrics of a member', () => {
  test('count from its start, though what writes them is loaded when they are asked for', async () => {
    const url = await start();
    await post(`${url}/v3/kv/put`, { key: 'Zm9v', value: 'YmFy' });
    await fetch(`${url}/health`);

    const answers = await Promise.all([fetch(`${url}/metrics`), fetch(`${url}/metrics`)]);

    const texts = await Promise.all(answers.map((answer) => answer.text()));
    for (const text of texts) {
      expect(text).toMatch(/^grpc_server_handled_total\{.*grpc_method="Put".*grpc_code="OK".*\} 1$/m);
      expect(text).toMatch(/^etcd_server_health_success 1$/m);
    }
    expect(answers[0].headers.get('content-type')).toBe(Registry.PROMETHEUS_CONTENT_TYPE);
  });
});
