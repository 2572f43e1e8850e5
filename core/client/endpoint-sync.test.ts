import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Store } from '../store.js';
import { ManualClock } from '../testing/manual-clock.js';
import { addressesOf, LEARNED_MAX, securityOf } from './endpoint-sync.js';
import { FaultyLink } from './testing/faulty-link.js';
import { failure, header, rangeAnswer, type ScriptedServer, SILENT } from './testing/scripted-server.js';
import { after, connect, eventually, serve } from './testing/stores.js';

function memberOf(clientURLs: string[], isLearner = false) {
  return { ID: 1n, name: 'a', peerURLs: [], clientURLs, isLearner };
}

function toldOf(...urls: string[]) {
  return { header: header(0), members: urls.map((url) => memberOf([url])) };
}

const urlOf = ({ port }: { readonly port: number }) => `http://127.0.0.1:${port}`;

/** A member that answers reads with its revision, behind a link that can fail. */
async function member(revision: number): Promise<{ server: ScriptedServer; link: FaultyLink }> {
  const server = await serve({ range: () => rangeAnswer(revision) });
  const link = await FaultyLink.open(server);
  after(() => link.close());
  return { server, link };
}

function listening(): { readonly said: string[]; readonly logger: Logger } {
  const said: string[] = [];
  const hear = (_: unknown, text: string) => void said.push(text);
  return { said, logger: { debug: () => {}, info: hear, warn: hear, error: hear } };
}

/** A store on real time that was given these members, once it has learned of others. */
async function learned(...members: readonly { readonly link: FaultyLink }[]): Promise<Store> {
  const { said, logger } = listening();
  const given = members.map(({ link }) => link);
  const store = await connect(given, { logger, autoSyncIntervalMs: EVERY_MS });
  await eventually(() => said.includes('learned where the members are'));
  return store;
}

const EVERY_MS = 30_000;

describe('a client that follows the members', () => {
  test('goes on at one that it was not given, when the one in use is gone', async () => {
    const [old, young] = [await member(1), await member(2)];
    old.server.script.memberList = () => toldOf(urlOf(old.link), urlOf(young.link));
    const store = await learned(old);

    expect((await store.range('a')).revision).toBe(1);
    await old.link.refuse();

    expect((await store.range('a')).revision).toBe(2);
  });

  test('asks at once and again after each interval, until it is closed', async () => {
    const { server, link } = await member(1);
    server.script.memberList = () => toldOf(urlOf(link));
    const clock = new ManualClock();
    const store = await connect([link], { clock, autoSyncIntervalMs: EVERY_MS });
    for (const count of [1, 2, 3]) {
      await server.received('memberList', count);
      await eventually(() => clock.timerCount > 0);
      await clock.advance(EVERY_MS - 1);
      expect(server.count('memberList')).toBe(count);
      await clock.advance(1);
    }
    await server.received('memberList', 4);
    await store.close();
    await clock.advance(EVERY_MS);

    expect(server.count('memberList')).toBe(4);
    expect(clock.timerCount).toBe(0);
  });

  test('is not one unless it is told to be', async () => {
    const { server, link } = await member(1);
    const clock = new ManualClock();
    await connect([link], { clock });
    await clock.advance(10 * EVERY_MS);

    expect(server.count('memberList')).toBe(0);
  });

  test('stays with the endpoint in use as long as that serves, be it no member any more', async () => {
    const [old, young] = [await member(1), await member(2)];
    old.server.script.memberList = () => toldOf(urlOf(young.link));
    const store = await learned(old);

    expect((await store.range('a')).revision).toBe(1);
    await old.link.refuse();
    expect((await store.range('a')).revision).toBe(2);
  });

  test('goes back to what it was given where none of the members that it was told can be reached', async () => {
    const [given, gone] = [await member(1), await member(2)];
    given.server.script.memberList = () => toldOf(urlOf(gone.link));
    const store = await learned(given);
    await gone.link.refuse();
    given.server.dropConnections();

    expect((await store.range('a')).revision).toBe(1);
  });

  test('leaves the only member that it was told, where that cannot serve, for those that it was given', async () => {
    const [sick, well] = [await member(1), await member(2)];
    sick.server.script.memberList = () => toldOf(urlOf(sick.link));
    const store = await learned(sick, well);
    sick.server.script.range = () => failure(status.UNAVAILABLE, 'etcdserver: no leader');

    expect((await store.range('a')).revision).toBe(2);
  });

  test('says so, and goes on, where it cannot learn anything', async () => {
    const { server, link } = await member(1);
    server.script.memberList = () => toldOf('http://127.0.0.1:0');
    const { said, logger } = listening();
    const clock = new ManualClock();
    const store = await connect([link], { clock, logger, autoSyncIntervalMs: EVERY_MS, retriesMax: 0 });
    await eventually(() => said.includes('members tell no address that can be used'));
    server.script.memberList = () => new Error('no');
    await eventually(() => clock.timerCount > 0);
    await clock.advance(EVERY_MS);
    await eventually(() => said.includes('could not learn where the members are'));

    expect((await store.range('a')).revision).toBe(1);
  });

  test('keeps no process running between two questions', async () => {
    const { server, link } = await member(1);
    server.script.memberList = () => toldOf(urlOf(link));
    const manual = new ManualClock();
    const [set, held]: [number[], number[]] = [[], []];
    const clock: Clock = {
      now: () => manual.now(),
      soon: (callback) => manual.soon(callback),
      after: (delayMs, callback) => {
        set.push(delayMs);
        return { ...manual.after(delayMs, callback), hold: () => void held.push(delayMs) };
      },
    };
    await connect([link], { clock, autoSyncIntervalMs: EVERY_MS });
    await eventually(() => set.includes(EVERY_MS));

    expect(held).not.toContain(EVERY_MS);
  });

  test('does not hold up closing while it waits for an answer', async () => {
    const { server, link } = await member(1);
    server.script.memberList = () => SILENT;
    const { said, logger } = listening();
    const clock = new ManualClock();
    const store = await connect([link], { clock, logger, autoSyncIntervalMs: EVERY_MS });
    await server.received('memberList');

    await store.close();
    await clock.advance(EVERY_MS);

    expect(server.count('memberList')).toBe(1);
    expect(said).toEqual([]);
  });
});

describe('of what members tell', () => {
  const OPEN = securityOf([{ host: 'a', port: 1 }]);

  test('learners, members that have not begun and what is no address are passed over', () => {
    const members = [
      memberOf(['http://a:1', 'unix:///run/a']),
      memberOf(['http://b:1'], true),
      memberOf([]),
      memberOf(['http://c:0', 'ftp://c:1']),
    ];

    expect(addressesOf(members, OPEN)).toEqual([
      { host: 'a', port: 1 },
      { host: 'localhost', port: 0, path: '/run/a' },
    ]);
  });

  test('what is not secured is passed over by a client that was given addresses with TLS', () => {
    const tls = { serverName: 'members' };
    const members = [memberOf(['http://a:1', 'https://b:1'])];

    expect(addressesOf(members, securityOf([{ host: 'x', port: 1, tls }]))).toEqual([{ host: 'b', port: 1, tls }]);
    expect(addressesOf(members, securityOf([{ host: 'x', port: 1, tls: true }]))).toEqual([
      { host: 'b', port: 1, tls: true },
    ]);
  });

  test(`no more than ${LEARNED_MAX} addresses are kept`, () => {
    const urls = Array.from({ length: LEARNED_MAX + 1 }, (_, at) => `http://a:${at + 1}`);

    expect(addressesOf([memberOf(urls)], OPEN)).toHaveLength(LEARNED_MAX);
  });
});
