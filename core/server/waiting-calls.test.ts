import { Client, type ClientUnaryCall, credentials, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { everything } from '../base/key-range.js';
import { ElectionService } from '../rpc/gen/election.js';
import { LockService } from '../rpc/gen/lock.js';
import { eventually } from '../rpc/testing/served.js';
import { get } from '../txn.js';
import { type RunningMember, startMember } from './start-member.js';

let running: RunningMember;
let client: Client;

beforeEach(async () => {
  running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0' });
  client = new Client(new URL(running.clientUrl as string).host, credentials.createInsecure());
  for (const id of [1n, 2n]) await running.member.leaseGrant(id, 1_000);
});

afterEach(async () => {
  client.close();
  await running.close();
});

function begin<Request, Response>(method: MethodDefinition<Request, Response>, request: Request) {
  const { path, requestSerialize, responseDeserialize } = method;
  let call: ClientUnaryCall | undefined;
  const answer = new Promise<Response>((resolve, reject) => {
    call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) =>
      error ? reject(error) : resolve(response as Response),
    );
  });
  return {
    answer,
    failure: answer.then(
      () => undefined,
      (error: ServiceError) => error,
    ),
    cancel: () => call?.cancel(),
  };
}

const name = Buffer.from('n');
const lock = (lease: bigint) => begin(LockService.lock, { name, lease });
const campaign = (lease: bigint) => begin(ElectionService.campaign, { name, lease, value: Buffer.from('v') });
const keys = async () => (await running.member.range(get(everything()))).kvs.map(({ key }) => toText(key)).join(' ');
const leases = async () => (await running.member.leases()).ids.length;

async function until(read: () => Promise<unknown>, expected: unknown): Promise<void> {
  let last: unknown;
  let isReading = false;
  await eventually(() => {
    if (!isReading) {
      isReading = true;
      void read().then((value) => {
        last = value;
        isReading = false;
      });
    }
    return last === expected;
  });
}

describe.each([
  ['a lock', lock],
  ['an election', campaign],
])('who waits for %s', (_what, wait) => {
  test('and goes away leaves no key', async () => {
    await wait(1n).answer;
    const waiting = wait(2n);
    await until(keys, 'n/1 n/2');

    waiting.cancel();

    expect(await waiting.failure).toMatchObject({ code: status.CANCELLED });
    await until(keys, 'n/1');
    expect(await leases()).toBe(2);
  });

  test('and goes away leaves no lease that was granted for it', async () => {
    await wait(1n).answer;
    const waiting = wait(0n);
    await until(leases, 3);
    await until(async () => (await keys()).split(' ').length, 2);

    waiting.cancel();

    await until(leases, 2);
    await until(keys, 'n/1');
  });

  test('with a lease with which another call waits does not take its place away', async () => {
    await wait(1n).answer;
    const first = wait(2n);
    await until(keys, 'n/1 n/2');
    const again = wait(2n);
    await new Promise((resolve) => setTimeout(resolve, 20));
    again.cancel();
    await again.failure;
    await running.member.leaseRevoke(1n);

    await first.answer;

    expect(await keys()).toBe('n/2');
  });

  test('does not get it if its lease has ended, though nobody is before it', async () => {
    await wait(1n).answer;
    const waiting = wait(2n);
    await until(keys, 'n/1 n/2');
    await running.member.leaseRevoke(2n);
    await running.member.leaseRevoke(1n);

    const { code, details } = (await waiting.failure) as ServiceError;

    expect(code).toBe(status.UNKNOWN);
    expect(['mutex: session is expired', 'election: not leader']).toContain(details);
  });

  test('is told when the server closes', async () => {
    await wait(1n).answer;
    const waiting = wait(2n);
    await until(keys, 'n/1 n/2');

    const closing = running.close();

    expect(await waiting.failure).toMatchObject({ code: status.UNAVAILABLE, details: 'etcdserver: server stopped' });
    await closing;
  });
});
