import { describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import type { Raft } from '../raft/raft.js';
import type { InstallSnapshotRequest, Message, SnapshotPosition } from '../raft/types.js';
import { SnapshotsReceived } from './snapshots-received.js';
import type { State } from './state-store.js';

const CONFIGURATION = { voters: [1n, 2n], learners: [] };
const POSITION: SnapshotPosition = { index: 50, term: 3, configuration: CONFIGURATION };
const ANNOUNCEMENT: InstallSnapshotRequest = {
  type: 'installSnapshot',
  from: 1n,
  to: 2n,
  term: 4,
  lastIndex: 50,
  lastTerm: 3,
  configuration: CONFIGURATION,
};

async function* noChunks(): AsyncIterable<Uint8Array> {}

/** A store that says what it is asked, and a raft that writes down what it is told. */
function setUp(position: SnapshotPosition = POSITION) {
  const calls: string[] = [];
  const stepped: Message[] = [];
  const raft = { term: 4, pendingSnapshot: undefined as SnapshotPosition | undefined };
  const received = { position, discard: async () => void calls.push('discard') };
  let arrive: () => void = () => undefined;
  const state = { isHeld: false };
  const snapshots = new SnapshotsReceived({
    raft: Object.assign(raft, { step: (message: Message) => void stepped.push(message) }) as unknown as Raft,
    stateStore: {
      receive: async () => {
        calls.push('receive');
        if (state.isHeld) await new Promise<void>((resolve) => (arrive = resolve));
        return received;
      },
      install: async (_received, current) => {
        calls.push('install');
        return current;
      },
      defragment: async () => {},
    },
    logger: silentLogger,
    wake: () => undefined,
  });
  const receive = (announcement = ANNOUNCEMENT) => snapshots.receive(1n, announcement, noChunks());
  return { snapshots, calls, stepped, raft, state, receive, arrive: () => arrive() };
}

describe('SnapshotsReceived', () => {
  test('tells raft of a snapshot once it is there, and puts it in force when raft says so', async () => {
    const { snapshots, calls, stepped, receive } = setUp();
    await receive();
    expect(stepped).toEqual([ANNOUNCEMENT]);

    await snapshots.install(POSITION, {} as State);

    expect(calls).toEqual(['receive', 'install']);
    snapshots.applied(50);
    await snapshots.stop();
    expect(calls).toEqual(['receive', 'install']);
  });

  test('lets go of one that is not needed any more', async () => {
    const { snapshots, calls, receive } = setUp();
    await receive();
    snapshots.applied(49);
    expect(calls).toEqual(['receive']);

    snapshots.applied(50);

    expect(calls).toEqual(['receive', 'discard']);
  });

  test('lets go of one that raft did not want when the next one comes', async () => {
    const { calls, receive } = setUp();
    await receive();
    await receive();

    expect(calls).toEqual(['receive', 'discard', 'receive']);
  });

  test('takes no other one while one is received, or waits to be put in force', async () => {
    const { calls, raft, state, receive, arrive } = setUp();
    state.isHeld = true;
    const first = receive();
    await new Promise((resolve) => setImmediate(resolve));
    await expect(receive()).rejects.toThrow(/busy/);
    arrive();
    await first;
    raft.pendingSnapshot = POSITION;

    await expect(receive()).rejects.toThrow(/busy/);

    expect(calls).toEqual(['receive']);
  });

  test('refuses one of a term that is over, and one that is not what was announced', async () => {
    const { calls, stepped, receive } = setUp();
    await expect(receive({ ...ANNOUNCEMENT, term: 3 })).rejects.toThrow(/term 3/);
    await expect(receive({ ...ANNOUNCEMENT, lastIndex: 51 })).rejects.toThrow(/announced/);

    expect(stepped).toEqual([]);
    expect(calls).toEqual(['receive', 'discard']);
  });

  test('what is there when the member ends is let go of', async () => {
    const { snapshots, calls, receive } = setUp();
    await receive();

    await snapshots.stop();

    expect(calls).toEqual(['receive', 'discard']);
  });
});
