import { status } from '@grpc/grpc-js';
import { afterEach, expect, test } from '@jest/globals';
import { LeaseNotFoundError } from '../base/errors.js';
import { ElectionService } from './gen/election.js';
import { LockService } from './gen/lock.js';
import { FakeMember } from './testing/fake-member.js';
import { eventually, Servers } from './testing/served.js';

const servers = new Servers();
afterEach(() => servers.end());

const lock = { name: Buffer.from('n'), lease: 0n };
const TOO_MANY = { code: status.UNKNOWN, details: 'etcdserver: too many requests' };

test('one call more than may wait is refused; when one has ended there is room again', async () => {
  const member = new FakeMember();
  let refuse = () => {};
  let grantCount = 0;
  member.leaseGrant = () => {
    grantCount += 1;
    return new Promise((_, reject) => (refuse = () => reject(new LeaseNotFoundError(5n))));
  };
  const { client } = await servers.serve(member, { waitingCallsMax: 1 });
  const first = client.unary(LockService.lock, lock);
  const failing = expect(first).rejects.toMatchObject({
    ...{ code: status.UNKNOWN, details: 'etcdserver: requested lease not found' },
  });
  await eventually(() => grantCount === 1);

  await expect(client.unary(LockService.lock, lock)).rejects.toMatchObject(TOO_MANY);
  refuse();
  await failing;

  const second = expect(client.unary(LockService.lock, lock)).rejects.toMatchObject({ code: status.UNKNOWN });
  await eventually(() => grantCount === 2);
  refuse();
  await second;
});

test('who observes holds one watch, which ends with the stream', async () => {
  const member = new FakeMember();
  member.range = async () => ({ type: 'range', revision: 100, kvs: [], count: 0, more: false });
  const { client } = await servers.serve(member, { waitingCallsMax: 1 });
  const observer = client.download(ElectionService.observe, { name: Buffer.from('e') });
  await eventually(() => member.watchers.length === 1);

  const other = await client.download(ElectionService.observe, { name: Buffer.from('e') }).drain().ended;
  expect(other).toMatchObject(TOO_MANY);
  observer.drain().cancel();

  await eventually(() => member.watchers[0]?.isCancelled === true);
  expect(member.watchers).toHaveLength(1);
});

test('who observes reads again when what is watched was compacted', async () => {
  const member = new FakeMember();
  let rangeCount = 0;
  member.range = async () => {
    rangeCount += 1;
    return { type: 'range', revision: 100, kvs: [], count: 0, more: false };
  };
  const { client } = await servers.serve(member);
  const observer = client.download(ElectionService.observe, { name: Buffer.from('e') });
  await eventually(() => member.watchers.length === 1);

  member.watchers[0]!.compacted(120);
  await eventually(() => member.watchers.length === 2);
  member.watchers[1]!.puts([130]);

  expect(await observer.next()).toMatchObject({ header: { revision: 130 }, kv: { modRevision: 130 } });
  expect(rangeCount).toBe(2);
  observer.cancel();
});
