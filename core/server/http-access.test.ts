import { request } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { InvalidArgumentError } from '../base/errors.js';
import { type HttpAccessOptions, httpAccessOf } from './http-access.js';
import { type RunningMember, startMember } from './start-member.js';

let running: RunningMember | undefined;
afterEach(async () => running?.close());

async function start(options: HttpAccessOptions): Promise<URL> {
  running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', ...options });
  return new URL(running.clientUrl as string);
}

interface Answered {
  readonly status: number | undefined;
  readonly origin: string | undefined;
}

/** What a page of an origin, or whoever takes the member for a host, is answered. */
function ask({ hostname, port }: URL, headers: Readonly<Record<string, string>>): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: '/version', headers }, (answer) => {
      answer.resume();
      const { statusCode: status, headers } = answer;
      answer.on('end', () => resolve({ status, origin: headers['access-control-allow-origin'] }));
    });
    sent.on('error', reject).end();
  });
}

describe('who may ask a member by HTTP', () => {
  test('is anybody, where nothing is said', async () => {
    const url = await start({});

    expect(await ask(url, { origin: 'https://evil.example' })).toEqual({ status: 200, origin: '*' });
    expect(await ask(url, { host: 'evil.example' })).toMatchObject({ status: 200 });
  });

  test('is a page of an origin that is named', async () => {
    const url = await start({ cors: ['https://app.example:443', 'http://127.0.0.1:3000/'] });

    for (const origin of ['https://app.example', 'http://127.0.0.1:3000'])
      expect(await ask(url, { origin })).toEqual({ status: 200, origin });
    for (const origin of ['https://evil.example', 'http://app.example'])
      expect(await ask(url, { origin })).toEqual({ status: 200, origin: undefined });
  });

  test('is who asks for a host that is named, whatever the port', async () => {
    const url = await start({ hostWhitelist: ['127.0.0.1', '[::1]'] });

    for (const host of ['127.0.0.1', '127.0.0.1:9', '[::1]:2379'])
      expect(await ask(url, { host })).toMatchObject({ status: 200 });
    expect(await ask(url, { host: 'evil.example' })).toMatchObject({ status: 421 });
  });

  test.each<[HttpAccessOptions, string]>([
    [{ cors: [] }, 'cors is "[]"; it must be one or more'],
    [{ cors: ['app.example'] }, 'cors is "app.example"; it must be an origin such as'],
    [{ cors: ['https://app.example/path'] }, 'cors is "https://app.example/path"'],
    [{ cors: ['https://user@app.example'] }, 'cors is "https://user@app.example"'],
    [{ cors: ['ftp://app.example'] }, 'cors is "ftp://app.example"'],
    [{ cors: [7] as never }, 'cors is 7'],
    [{ cors: 'https://app.example' as never }, 'one or more'],
    [{ hostWhitelist: [] }, 'hostWhitelist is "[]"; it must be one or more'],
    [{ hostWhitelist: ['db.example:2379'] }, 'hostWhitelist is "db.example:2379"; it must be a host such as'],
    [{ hostWhitelist: ['http://db.example'] }, 'hostWhitelist is "http://db.example"'],
    [{ hostWhitelist: [''] }, 'hostWhitelist is ""'],
    [{ hostWhitelist: ['a'.repeat(256)] }, 'hostWhitelist is "aaa'],
  ])('is refused when it is nobody: %j', async (options, message) => {
    expect(() => httpAccessOf(options)).toThrow(message);
    await expect(start(options)).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});
