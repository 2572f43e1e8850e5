import { describe, expect, test } from '@jest/globals';
import { DataDirError, InvalidArgumentError, MemberStoppedError } from '../base/errors.js';
import type { RunningMember } from '../server/start-member.js';
import { serve } from './serve.js';
import type { ServeFlags } from './serve-flags.js';

/** Signals, real folders and real sockets are tested in `core/testing/process`. */
const FLAGS: ServeFlags = {
  name: 'a',
  'data-dir': '/nowhere',
  'listen-client-urls': ['http://127.0.0.1:0', 'http://[::1]:0'],
};

const ENDED = Promise.resolve(undefined);

/** A member as far as the command sees it. */
function memberWith({
  stopped = ENDED,
  hasLeader = true,
}: { stopped?: Promise<Error | undefined>; hasLeader?: boolean } = {}) {
  const listeners = new Set<(hasLeader: boolean) => void>();
  return {
    stopped,
    leader: hasLeader ? 7n : undefined,
    clusterId: 0xabcn,
    listeners,
    onLeadership: (listener: (hasLeader: boolean) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

const running = (member = memberWith()) => ({ member, clientUrl: 'http://127.0.0.1:7', close: async () => {} });

/** Serves with a member of the test's making; tells what was said and logged. */
async function serveWith(
  start: () => Promise<Pick<RunningMember, 'close'> & { member: object }>,
  { flags = FLAGS, env = {} }: { flags?: ServeFlags; env?: Record<string, string> } = {},
) {
  const [said, logged, starts]: [string[], string[], unknown[][]] = [[], [], []];
  const log = (_fields: object, message: string) => void logged.push(message);
  const code = await serve(flags, {
    start: (...args) => {
      starts.push(args);
      return start() as Promise<RunningMember>;
    },
    openLog: () => ({ debug: log, info: log, warn: log, error: log }),
    say: (line) => said.push(line),
    env,
  });
  return { code, said, logged, starts };
}

describe('serve', () => {
  test('hands its options to the member, and says where it serves', async () => {
    const { said, starts } = await serveWith(async () => running(), {
      flags: { ...FLAGS, 'max-request-bytes': 5_000 },
    });

    expect(said).toEqual(['ready: serving etcd v3 clients at http://127.0.0.1:7']);
    expect(starts[0]).toMatchObject([
      { dataDir: '/nowhere' },
      { listen: ['http://127.0.0.1:0', 'http://[::1]:0'], requestBytesMax: 5_000 },
    ]);
  });

  test('logs the texts that scripts around etcd wait for, once there is a leader', async () => {
    let end: (error: undefined) => void = () => {};
    const member = memberWith({ hasLeader: false, stopped: new Promise((resolve) => (end = resolve)) });
    const serving = serveWith(async () => running(member));
    while (member.listeners.size === 0) await new Promise((resolve) => setImmediate(resolve));

    const [listener] = member.listeners;
    listener?.(false);
    expect(member.listeners.size).toBe(1);
    listener?.(true);
    expect(member.listeners.size).toBe(0);
    end(undefined);

    expect((await serving).logged).toEqual([
      'published {Name:a ClientURLs:[http://127.0.0.1:7]} to cluster abc',
      'enabled capabilities for version 3.5',
      'ready to serve client requests',
    ]);
  });

  test('waits for a leader no more once the member has ended', async () => {
    const member = memberWith({ hasLeader: false });

    const { logged } = await serveWith(async () => running(member));

    expect(logged).toEqual([]);
    expect(member.listeners.size).toBe(0);
  });

  test('a member that fails ends it with 1 and the reason, even if it hangs then', async () => {
    const { code, logged } = await serveWith(async () => ({
      member: memberWith({ stopped: Promise.resolve(new MemberStoppedError('EIO: sync')) }),
      close: () => new Promise(() => {}),
    }));

    expect(code).toBe(1);
    expect(logged.at(-1)).toBe('the member stopped: EIO: sync');
  });

  test('a folder that cannot be used ends it with 1, an option that makes no sense with 2', async () => {
    const failing = (error: Error) => serveWith(() => Promise.reject(error));

    const locked = await failing(new DataDirError('DATA_DIR_LOCKED', '/nowhere', 'process 7 has it open'));
    const nonsense = await failing(new InvalidArgumentError('electionTimeoutMs', 300, '5 heartbeats or more'));

    expect(locked).toMatchObject({
      code: 1,
      said: [],
      logged: ['cannot start: data folder /nowhere: process 7 has it open'],
    });
    expect(nonsense).toMatchObject({
      code: 2,
      logged: ['cannot start: --election-timeout is 300; it must be 5 heartbeats or more'],
    });
  });

  test('warns of variables that are meant for etcd and have no effect', async () => {
    const { logged } = await serveWith(async () => running(), {
      env: { ETCD_SNAPSHOT_COUNT: '1', ETCD_NAME: 'a', ETCD_VERSION: '3', PATH: '/bin' },
    });

    expect(logged.slice(0, 2)).toEqual([
      'ETCD_SNAPSHOT_COUNT has no effect: etcd has --snapshot-count, Conclave does not have it yet',
      'ETCD_VERSION has no effect: there is no such flag',
    ]);
  });

  test('waits for no signal any more once it has ended', async () => {
    const before = process.listenerCount('SIGTERM');
    await serveWith(async () => running());

    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});
