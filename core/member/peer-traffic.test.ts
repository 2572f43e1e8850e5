import { expect, test } from '@jest/globals';
import type { Message } from '../raft/types.js';
import { PeerTraffic, type PeerTrafficParts } from './peer-traffic.js';

test('a member is heard in its own name only', () => {
  const stepped: Message[] = [];
  const replica = {
    ended: undefined,
    raft: { step: (message: Message) => stepped.push(message) },
    wake: () => undefined,
  };
  const traffic = new PeerTraffic({ replica } as unknown as PeerTrafficParts);
  const vote = { type: 'voteAnswer', to: 1n, term: 4, granted: true } as const;

  traffic.onMessages(2n, [
    { ...vote, from: 3n },
    { ...vote, from: 2n },
  ]);

  expect(stepped).toEqual([{ ...vote, from: 2n }]);
});
