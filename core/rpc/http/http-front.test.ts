import { afterEach, describe, expect, test } from '@jest/globals';
import type { AlarmKind } from '../../base/alarm.js';
import { NoLeaderError } from '../../base/errors.js';
import { FakeMember } from '../testing/fake-member.js';
import type { HealthPort } from './health.js';
import type { HttpFrontParts } from './http-front.js';
import { type Asking, HttpMember } from './testing/http-member.js';

const GET: Asking = { method: 'GET' };

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function serve(parts: Partial<HttpFrontParts> = {}) {
  const server = await HttpMember.start(new FakeMember(), parts);
  releases.push(() => server.close());
  return server;
}

interface Condition {
  readonly leader?: bigint | undefined;
  readonly isLearner?: boolean;
  readonly alarms?: readonly AlarmKind[];
  /** Reads that fail. */
  readonly fails?: 'all' | 'linearizable';
}

/** A member in some condition, behind HTTP. */
function serveIn(condition: Condition) {
  const { isLearner = false, alarms = [], fails } = condition;
  const health: HealthPort = {
    leader: 'leader' in condition ? condition.leader : 22n,
    isLearner,
    alarms: () => alarms,
    range: async ({ serializable }) => {
      if (fails === 'all' || (fails !== undefined && !serializable)) throw new NoLeaderError();
    },
  };
  const told: unknown[] = [];
  const healthObserver = {
    health: (...each: unknown[]) => void told.push(each),
    check: (...each: unknown[]) => void told.push(each),
  };
  return serve({ health, healthObserver }).then((server) => ({ server, told }));
}

describe('a path', () => {
  test.each([
    ['GET', '/nothing', 404, '404 page not found\n'],
    ['GET', '/', 404, '404 page not found\n'],
    ['GET', '/v3alpha/kv/range', 404, '404 page not found\n'],
    ['GET', '/debug/vars', 404, '404 page not found\n'],
    ['POST', '/v3/kv/nothing', 404, 'Not Found\n'],
    ['POST', '/v3/kv/range/', 404, 'Not Found\n'],
    ['GET', '/v3/kv/range', 405, 'Method Not Allowed\n'],
    ['PUT', '/v3beta/kv/range', 405, 'Method Not Allowed\n'],
    ['POST', '/version', 405, 'Method Not Allowed\n'],
    ['GET', '/metrics', 404, '404 page not found\n'],
    ['GET', 'http://[', 400, 'Bad Request\n'],
  ])('%s %s is answered with %d', async (method, path, status, text) => {
    expect(await (await serve()).ask(path, '', { method })).toMatchObject({ status, text });
  });

  test('/version tells the versions of the protocol', async () => {
    const { text, headers } = await (await serve()).ask('/version', '', GET);

    expect(headers['content-type']).toBe('application/json');
    expect(JSON.parse(text)).toEqual({
      etcdserver: expect.stringMatching(/^3\.\d+\.\d+$/) as unknown,
      etcdcluster: expect.stringMatching(/^3\.\d+\.0$/) as unknown,
      storage: expect.stringMatching(/^3\.\d+\.0$/) as unknown,
    });
  });

  test('/metrics tells what it was given', async () => {
    const server = await serve({ metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' } });

    expect(await server.ask('/metrics', '', GET)).toMatchObject({
      ...{ status: 200, text: 'up 1\n' },
      headers: { 'content-type': 'text/plain; version=0.0.4' },
    });
  });

  test('/metrics that cannot be told is an error, and the next one is answered', async () => {
    const server = await serve({ metrics: { contentType: '', text: () => Promise.reject(new Error('a bug')) } });

    expect(await server.ask('/metrics', '', GET)).toMatchObject({ status: 500 });
    expect(await server.ask('/version', '', GET)).toMatchObject({ status: 200 });
  });
});

describe('/health', () => {
  test.each<[string, Condition, string, number, string]>([
    ['well', {}, '', 200, '{"health":"true","reason":""}'],
    ['full', { alarms: ['NOSPACE'] }, '', 503, '{"health":"false","reason":"ALARM NOSPACE"}\n'],
    ['full, which is left out', { alarms: ['NOSPACE'] }, '?exclude=NOSPACE', 200, '{"health":"true","reason":""}'],
    [
      ...(['full and damaged, the first left out', { alarms: ['NOSPACE', 'CORRUPT'] }] as const),
      ...(['?exclude=NOSPACE', 503, '{"health":"false","reason":"ALARM CORRUPT"}\n'] as const),
    ],
    ['without a leader', { leader: undefined }, '', 503, '{"health":"false","reason":"RAFT NO LEADER"}\n'],
    [
      'without a leader, asked for itself',
      { leader: undefined },
      '?serializable=true',
      200,
      '{"health":"true","reason":""}',
    ],
    [
      ...(['unable to read', { fails: 'all' }, ''] as const),
      ...([503, '{"health":"false","reason":"RANGE ERROR:etcdserver: no leader"}\n'] as const),
    ],
    ['unable to read but here', { fails: 'linearizable' }, '?serializable=true', 200, '{"health":"true","reason":""}'],
  ])('of a member that is %s', async (_name, condition, query, status, text) => {
    const { server, told } = await serveIn(condition);

    expect(await server.ask(`/health${query}`, '', GET)).toMatchObject({ status, text });
    expect(told).toEqual([[status === 200]]);
  });

  test('can only be read', async () => {
    const { server } = await serveIn({});

    const refused = await server.ask('/health', '');

    expect(refused).toMatchObject({ status: 405, text: 'Method Not Allowed\n', headers: { allow: 'GET' } });
  });
});

describe('/livez and /readyz', () => {
  const ALL = '[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\n';

  test.each<[string, Condition, number, string]>([
    ['/livez', {}, 200, 'ok\n'],
    ['/livez?verbose', {}, 200, '[+]serializable_read ok\nok\n'],
    ['/livez', { leader: undefined, fails: 'linearizable' }, 200, 'ok\n'],
    ['/livez', { fails: 'all' }, 503, '[-]serializable_read failed: etcdserver: no leader\n\n'],
    ['/livez?exclude=serializable_read', { fails: 'all' }, 200, 'ok\n'],
    ['/livez/serializable_read', {}, 200, 'ok\n'],
    ['/livez/linearizable_read', {}, 404, '404 page not found\n'],
    ['/livez/serializable_read/more', {}, 404, '404 page not found\n'],
    ['/readyz', {}, 200, 'ok\n'],
    ['/readyz?verbose', {}, 200, `${ALL}ok\n`],
    [
      ...(['/readyz', { alarms: ['CORRUPT'] }, 503] as const),
      `${ALL.replace('[+]data_corruption ok', '[-]data_corruption failed: alarm activated: CORRUPT')}\n`,
    ],
    ['/readyz', { alarms: ['NOSPACE'] }, 200, 'ok\n'],
    [
      ...(['/readyz', { fails: 'linearizable' }, 503] as const),
      `${ALL.replace('[+]linearizable_read ok', '[-]linearizable_read failed: etcdserver: no leader')}\n`,
    ],
    ['/readyz?exclude=linearizable_read&exclude=other', { fails: 'linearizable' }, 200, 'ok\n'],
    [
      ...(['/readyz', { isLearner: true }, 503] as const),
      `${ALL.replace('[+]non_learner ok', '[-]non_learner failed: not supported for learner')}\n`,
    ],
    ['/readyz/non_learner', { isLearner: true }, 503, '[-]non_learner failed: not supported for learner\n\n'],
    ['/readyz/linearizable_read?verbose', {}, 200, '[+]linearizable_read ok\nok\n'],
  ])('%s of %j', async (path, condition, status, text) => {
    const { server } = await serveIn(condition);

    expect(await server.ask(path, '', GET)).toMatchObject({ status, text });
  });

  test('tell each check that was made', async () => {
    const { server, told } = await serveIn({ fails: 'all' });

    await server.ask('/readyz?exclude=linearizable_read', '', GET);

    expect(told).toEqual([
      ['readyz', 'data_corruption', true],
      ['readyz', 'serializable_read', false],
      ['readyz', 'non_learner', true],
    ]);
  });

  test('can only be read', async () => {
    const { server } = await serveIn({});

    expect(await server.ask('/readyz/non_learner', '', { method: 'PUT' })).toMatchObject({ status: 405 });
  });
});

describe('pages of other origins', () => {
  const from = (origin: string, method = 'GET'): Asking => ({ method, headers: { origin } });

  test('may read everything where nothing was said about them', async () => {
    const { headers } = await (await serve()).ask('/version', '', from('http://other'));

    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE',
      'access-control-allow-headers': 'accept, content-type, authorization',
    });
  });

  test('may read what is allowed to them, and no others', async () => {
    const server = await serve({ cors: ['http://ours'] });

    const [ours, other] = [from('http://ours'), from('http://other')];
    expect((await server.ask('/version', '', ours)).headers['access-control-allow-origin']).toBe('http://ours');
    expect((await server.ask('/version', '', other)).headers['access-control-allow-origin']).toBeUndefined();
    expect((await server.ask('/version', '', GET)).headers['access-control-allow-origin']).toBeUndefined();
  });

  test('may ask before they ask', async () => {
    const { status, text, headers } = await (await serve()).ask('/v3/kv/put', '', from('http://other', 'OPTIONS'));

    expect({ status, text, origin: headers['access-control-allow-origin'] }).toEqual({
      ...{ status: 200, text: '', origin: '*' },
    });
  });
});

describe('the name under which a member is asked', () => {
  test.each([
    ['member.example:2379', 200],
    ['[::1]:2379', 200],
    ['[::1]', 200],
    ['evil.example:2379', 421],
    ['evil.example', 421],
  ])('may be %s: %d', async (host, status) => {
    const server = await serve({ hosts: ['member.example', '::1'] });

    const answer = await server.ask('/version', '', { method: 'GET', headers: { host } });

    expect(answer.status).toBe(status);
    if (status === 421) expect(answer.text).toContain('--host-whitelist');
  });

  test('may be any where nothing was said about it', async () => {
    const answer = await (await serve()).ask('/version', '', { method: 'GET', headers: { host: 'any.example' } });

    expect(answer.status).toBe(200);
  });
});
