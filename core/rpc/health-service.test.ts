import { status } from '@grpc/grpc-js';
import { afterEach, expect, test } from '@jest/globals';
import { HealthCheckResponse_ServingStatus as Status, HealthService } from './gen/health.js';
import { FakeMember } from './testing/fake-member.js';
import { Servers } from './testing/served.js';

const servers = new Servers();
afterEach(() => servers.end());

const WHOLE = { service: '' };
const NONSENSE = { service: 'nonsense' };
const STOPPED = { code: status.UNAVAILABLE, details: 'etcdserver: server stopped' };

test('a member serves, and nobody is asked who they are', async () => {
  const member = new FakeMember();
  member.callers = {
    of: () => {
      throw new Error('nobody may call');
    },
  };
  const { client } = await servers.serve(member);

  expect(await client.unary(HealthService.check, WHOLE, { token: 'forged.1' })).toEqual({ status: Status.SERVING });
  expect(await client.unary(HealthService.list, {})).toEqual({ statuses: { '': { status: Status.SERVING } } });
  const watch = client.download(HealthService.watch, WHOLE);
  expect(await watch.next()).toEqual({ status: Status.SERVING });
  watch.cancel();
});

test('only the server as a whole is known, and a watch tells so and stays', async () => {
  const { client } = await servers.serve(new FakeMember());

  for (const service of ['nonsense', 'etcdserverpb.KV', 'grpc.health.v1.Health']) {
    const refusal = { code: status.NOT_FOUND, details: 'unknown service' };
    await expect(client.unary(HealthService.check, { service })).rejects.toMatchObject(refusal);
  }
  const watch = client.download(HealthService.watch, NONSENSE);
  let hasEnded = false;
  void watch.ended.then(() => (hasEnded = true));

  expect(await watch.next()).toEqual({ status: Status.SERVICE_UNKNOWN });
  watch.drain();
  await client.unary(HealthService.check, WHOLE);
  expect(hasEnded).toBe(false);
  watch.cancel();
});

test('a member that has stopped does not serve, and its watches end', async () => {
  const member = new FakeMember();
  const { client } = await servers.serve(member);
  const watch = client.download(HealthService.watch, WHOLE);
  await watch.next();

  member.stop(undefined);

  expect(await watch.drain().ended).toMatchObject(STOPPED);
  expect(await client.unary(HealthService.check, WHOLE)).toEqual({ status: Status.NOT_SERVING });
  expect(await client.unary(HealthService.list, {})).toEqual({ statuses: { '': { status: Status.NOT_SERVING } } });
});

test('watches end when the server closes, without waiting for their clients', async () => {
  const { client, server } = await servers.serve(new FakeMember());
  const watch = client.download(HealthService.watch, WHOLE);
  await watch.next();

  // No clock goes on here: a server that waited for the watch would never have closed.
  await server.close();

  expect(await watch.drain().ended).toMatchObject(STOPPED);
});

test('one watch more than there may be is refused; when one has ended there is room again', async () => {
  const { client } = await servers.serve(new FakeMember(), { waitingCallsMax: 1 });
  const first = client.download(HealthService.watch, WHOLE);
  await first.next();

  const second = await client.download(HealthService.watch, WHOLE).drain().ended;
  expect(second).toMatchObject({ code: status.UNKNOWN, details: 'etcdserver: too many requests' });
  first.drain().cancel();

  let told: unknown;
  while (told === undefined) {
    const next = client.download(HealthService.watch, WHOLE);
    told = await Promise.race([next.next(), next.ended.then(() => undefined)]);
    next.drain().cancel();
  }
  expect(told).toEqual({ status: Status.SERVING });
});

test('as in etcd, a learner refuses probes, and a member without a leader those of clients that want one', async () => {
  const member = new FakeMember();
  const { client } = await servers.serve(member);

  member.follow(undefined);
  expect(await client.unary(HealthService.check, WHOLE)).toEqual({ status: Status.SERVING });
  await expect(client.unary(HealthService.check, WHOLE, { hasleader: 'true' })).rejects.toMatchObject({
    details: 'etcdserver: no leader',
  });

  member.isLearner = true;
  const refusal = { code: status.FAILED_PRECONDITION, details: 'etcdserver: rpc not supported for learner' };
  await expect(client.unary(HealthService.check, WHOLE)).rejects.toMatchObject(refusal);
  expect(await client.download(HealthService.watch, WHOLE).drain().ended).toMatchObject(refusal);
});

test('what is no message is refused', async () => {
  const { client } = await servers.serve(new FakeMember());
  const garbage = Buffer.of(0x0a, 0xff);

  for (const { path } of [HealthService.check, HealthService.watch])
    await expect(client.bytes(path, garbage)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
});
