import { describe, expect, test } from '@jest/globals';
import { DataDirError, InvalidArgumentError, MemberStoppedError } from '../base/errors.js';
import type { RunningMember } from '../server/start-member.js';
import { serve, type ServeOptions } from './serve.js';

/** Signals, real folders and real sockets are tested in `core/testing/process`. */
const OPTIONS: ServeOptions = {
  name: 'a',
  dataDir: '/nowhere',
  listenClientUrls: 'http://127.0.0.1:0, http://[::1]:0',
  logLevel: 'info',
};

/** Serves with a member of the test's making; tells what was said and logged. */
async function serveWith(start: () => Promise<Pick<RunningMember, 'close'> & { member: object }>, options = OPTIONS) {
  const [said, logged, starts]: [string[], string[], unknown[][]] = [[], [], []];
  const log = (_fields: object, message: string) => void logged.push(message);
  const code = await serve(options, {
    start: (...args) => {
      starts.push(args);
      return start() as Promise<RunningMember>;
    },
    openLog: () => ({ debug: log, info: log, warn: log, error: log }),
    say: (line) => said.push(line),
  });
  return { code, said, logged, starts };
}

describe('serve', () => {
  test('hands its options to the member, and says where it serves', async () => {
    const { said, starts } = await serveWith(
      async () => ({
        member: { stopped: Promise.resolve(undefined) },
        clientUrl: 'http://127.0.0.1:7',
        close: async () => {},
      }),
      { ...OPTIONS, maxRequestBytes: 5_000 },
    );

    expect(said).toEqual(['ready: serving etcd v3 clients at http://127.0.0.1:7']);
    expect(starts[0]).toMatchObject([
      { dataDir: '/nowhere' },
      { listen: ['http://127.0.0.1:0', 'http://[::1]:0'], requestBytesMax: 5_000 },
    ]);
  });

  test('a member that fails ends it with 1 and the reason, even if it hangs then', async () => {
    const { code, logged } = await serveWith(async () => ({
      member: { stopped: Promise.resolve(new MemberStoppedError('EIO: sync')) },
      close: () => new Promise(() => {}),
    }));

    expect(code).toBe(1);
    expect(logged).toEqual(['the member stopped: EIO: sync']);
  });

  test('a folder that cannot be used ends it with 1, an option that makes no sense with 2', async () => {
    const failing = (error: Error) => serveWith(() => Promise.reject(error));

    const locked = await failing(new DataDirError('DATA_DIR_LOCKED', '/nowhere', 'process 7 has it open'));
    const nonsense = await failing(new InvalidArgumentError('listen', 'x', 'an address'));

    expect(locked).toMatchObject({
      code: 1,
      said: [],
      logged: ['cannot start: data folder /nowhere: process 7 has it open'],
    });
    expect(nonsense.code).toBe(2);
  });

  test('waits for no signal any more once it has ended', async () => {
    const before = process.listenerCount('SIGTERM');
    await serveWith(async () => ({ member: { stopped: Promise.resolve(undefined) }, close: async () => {} }));

    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});
