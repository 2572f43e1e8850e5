/** Types what `etcdctl.md` has its readers type, into a shell, against the server that it has them start. */
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePorts } from '../core/testing/cluster/free-ports.js';
import { ServeProcess } from '../core/testing/process/serve-process.js';
import { commandsOf } from './testing/commands.js';
import { readPage } from './testing/pages.js';
import { EmptyFolder } from './testing/run.js';
import { type Example, examplesOf, Ids } from './testing/sessions.js';
import { isOnPath } from './testing/tools.js';

const PATIENCE_MS = 30_000;
/** What etcdctl logs of its own while it is refused. */
const LOGGED = /^\{"level".*\n/gm;

const page = readPage('docs/etcdctl.md');
const examples = examplesOf(page);
const describeHere = isOnPath('etcdctl', ['version']) ? describe : describe.skip;

describeHere('a first session with etcdctl', () => {
  const folder = new EmptyFolder();
  const ids = new Ids();
  let server: ServeProcess;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    // Not 0: a member tells others to find it at the port that it was told.
    const [port] = await freePorts(1);
    server = ServeProcess.spawn(serveFlags(port as number));
    const { host } = new URL(await server.ready());
    env = { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: host };
  }, PATIENCE_MS);
  afterAll(async () => {
    await server.end();
    folder[Symbol.dispose]();
  });

  test.each(examples)(
    '$command',
    async (example) => {
      const told = await typed(example);

      expect(ids.mismatch(example.output, told.replaceAll(LOGGED, ''))).toBeUndefined();
    },
    PATIENCE_MS,
  );

  /** As the page has them, in a folder and on a port that are free. */
  function serveFlags(port: number): readonly string[] {
    const words = commandsOf(page).find(
      ({ words: [first, second] }) => first === 'npx' && second === 'conclave',
    )?.words;
    if (words === undefined) throw new Error('the page starts no server');
    const flags = words.slice(words.indexOf('serve') + 1);
    return flags.map((word) => word.replace('./data', `${folder.path}/data`).replace(/:2379$/, `:${port}`));
  }

  /** @returns all that it told, once it has ended; or has told what it should, where only Ctrl-C ends it */
  function typed({ command, stdin, output, words }: Example): Promise<string> {
    const goesOn = words.includes('until-interrupted');
    const shell = spawn('sh', ['-c', `${goesOn ? 'exec ' : ''}${ids.here(command)}`], { env, cwd: folder.path });
    const giveUp = setTimeout(() => shell.kill('SIGKILL'), PATIENCE_MS - 5_000);
    let told = '';
    const hear = (chunk: Buffer) => {
      told += chunk.toString();
      if (goesOn && told.length >= ids.here(output).length) shell.kill('SIGINT');
    };
    shell.stdout.on('data', hear);
    shell.stderr.on('data', hear);
    shell.stdin.end(stdin);
    return new Promise((resolve) => {
      shell.on('close', () => {
        clearTimeout(giveUp);
        resolve(told);
      });
    });
  }
});

test('the session has something of everything', () => {
  const commands = examples.map(({ command }) => command.replace(/^etcdctl (--user \S+ )?/, '').split(' ')[0]);
  expect([...new Set(commands)]).toEqual(
    expect.arrayContaining(['endpoint', 'member', 'put', 'get', 'del', 'txn', 'watch', 'lease', 'lock', 'elect']),
  );
  expect([...new Set(commands)]).toEqual(
    expect.arrayContaining(['snapshot', 'compact', 'alarm', 'user', 'role', 'auth']),
  );
});
