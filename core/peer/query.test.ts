import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { KIND } from './frame.js';
import { queryMembers } from './query.js';
import { makeAuthority } from '../tls/testing/certificates.js';
import { RawListener } from './testing/raw-end.js';
import { PeerWorld, until } from './testing/world.js';

let world: PeerWorld;
beforeEach(() => {
  world = new PeerWorld();
});
afterEach(() => world.close());

const ask = (url: string, options = {}) => queryMembers(url, { timeoutMs: 1_000, clock: world.clock, ...options });

test('who wants to join asks a member who is in its cluster, without being one', async () => {
  const b = await world.start(2n);
  b.handler.judge = () => ({ code: 'memberUnknown', reason: 'nobody knows it' });
  b.handler.membersBytes = Buffer.from(JSON.stringify({ members: Array.from({ length: 500 }, (_, at) => `m${at}`) }));
  const answer = await ask(b.peers.urls[0]!);
  expect(Buffer.from(answer).equals(b.handler.membersBytes)).toBe(true);
  expect(b.handler.greeted).toEqual([]);
});

test('it asks over TLS too', async () => {
  const authority = await makeAuthority();
  const b = await world.start(2n, { tls: await authority.issue() });
  const answer = await ask(b.peers.urls[0]!, { tls: await authority.issue() });
  expect(Buffer.from(answer).toString()).toBe('{"members":[]}');
  await expect(ask(b.peers.urls[0]!)).rejects.toMatchObject({ code: 'PEER_QUERY', retry: 'safe' });
});

test('where nobody answers in time, listens, or is a member, the error says so', async () => {
  const silent = await RawListener.start();
  world.add(() => silent.close());
  const asked = expect(ask(silent.url)).rejects.toThrow('it did not answer within 1000 ms');
  await until(() => silent.ends.length === 1 && silent.ends[0]!.hasHeard(KIND.hello));
  await world.clock.advance(1_000);
  await asked;
  await until(() => silent.ends[0]!.isClosed);

  silent.onConnection = (end) => end.write(Buffer.from('HTTP/1.1 400 Bad Request\r\n'));
  await expect(ask(silent.url)).rejects.toThrow('these are not the first bytes of a member');
  const { url } = silent;
  await silent.close();
  await expect(ask(url)).rejects.toThrow('ECONNREFUSED');
  await expect(ask('tcp://127.0.0.1:1')).rejects.toThrow('its URL is not of the form http://host:port');
});

test('nothing is left behind by a question', async () => {
  const b = await world.start(2n);
  await ask(b.peers.urls[0]!);
  await b.peers.close();
  expect(world.clock.timerCount).toBe(0);
});
