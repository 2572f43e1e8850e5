import { afterEach, describe, expect, test } from '@jest/globals';
import { type RunningMember, startMember } from '../server/start-member.js';
import type { Store } from '../store.js';
import { connectGrpc } from './grpc-store.js';

let member: RunningMember;
let store: Store;

async function open(quotaBackendBytes?: number): Promise<void> {
  const quota = quotaBackendBytes === undefined ? {} : { quotaBackendBytes };
  member = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', ...quota });
  const { hostname: host, port } = new URL(member.clientUrl as string);
  store = await connectGrpc([{ host, port: Number(port) }]);
}

afterEach(async () => {
  await store.close();
  await member.close();
});

describe('a write', () => {
  test('that finds no space is refused as such: nothing was done', async () => {
    await open(64 * 1024);
    const puts = async () => {
      for (let put = 0; put < 10; put += 1) await store.put(`key/${put}`, Buffer.alloc(20_000));
    };

    await expect(puts()).rejects.toMatchObject({ code: 'NO_SPACE', retry: 'never' });
  });

  test('is refused, and not of unknown outcome, while the members are said to differ', async () => {
    await open();
    const alarm = { memberId: member.member.memberId, kind: 'CORRUPT' } as const;
    await member.member.alarm({ action: 'raise', alarm });

    await expect(store.put('key', 'value')).rejects.toMatchObject({ code: 'CORRUPT', retry: 'never' });

    await member.member.alarm({ action: 'end', alarm });
    await expect(store.get('key')).resolves.toBeUndefined();
  });
});
