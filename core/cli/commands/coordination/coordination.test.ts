/** Locks and elections, against a real member of ours: with each other, and with etcd's tools where they are there. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningMember, startMember } from '../../../server/start-member.js';
import { runHere, startHere } from '../../testing/run-here.js';

let running: RunningMember;
let env: Record<string, string>;

beforeAll(async () => {
  running = await startMember({ memory: true }, { name: 'm1', listen: 'http://127.0.0.1:0' });
  env = { ...process.env, ETCDCTL_ENDPOINTS: running.clientUrl as string };
});
afterAll(() => running.close());

const conclave = (...args: string[]) => runHere(args, { env });
const start = (...args: string[]) => startHere(args, { env });
const keysOf = async (name: string) =>
  (await conclave('get', '--prefix', `${name}/`, '--keys-only')).out.split('\n').filter(Boolean);
const leaseOf = async (name: string) => ((await keysOf(name))[0] as string).replace(/.*\//, '');

describe('conclave lock', () => {
  test('holds a key of its lease until it is interrupted, and leaves nothing behind', async () => {
    const holder = start('lock', 'held');
    await holder.untilLines(2);
    const [key] = await keysOf('held');

    const { code, out, err } = await holder.end();

    expect({ code, out, err }).toEqual({ code: 0, out: `${key}\n\n`, err: '' });
    expect(key).toMatch(/^held\/[0-9a-f]+$/);
    expect(await keysOf('held')).toEqual([]);
    expect((await conclave('lease', 'list')).out).toBe('found 0 leases\n');
  });

  test('runs a command that finds key and fencing token, and ends as it does', async () => {
    const script = 'echo "$ETCD_LOCK_KEY $ETCD_LOCK_REV"; exit 3';

    const { code, out } = await conclave('lock', 'with-command', '--', 'sh', '-c', script);

    expect(code).toBe(3);
    const [, token] = /^with-command\/[0-9a-f]+ (\d+)\n$/.exec(out) ?? [];
    const { out: json } = await conclave('put', 'x', 'y', '-w', 'json');
    const { revision } = (JSON.parse(json) as { header: { revision: number } }).header;
    expect(Number(token)).toBeLessThan(revision);
    expect(await keysOf('with-command')).toEqual([]);
  });

  test('waits in line, first come, first served', async () => {
    const first = start('lock', 'line');
    await first.untilLines(2);
    const second = start('lock', 'line', 'echo', 'second');
    await untilCount('line', 2);
    const third = start('lock', 'line', 'echo', 'third');
    await untilCount('line', 3);
    const order: string[] = [];
    const noted = [second, third].map(({ ended }) => ended.then(({ out }) => order.push(out)));

    await first.end();
    await Promise.all(noted);

    expect(order).toEqual(['second\n', 'third\n']);
  });

  test('that is interrupted while it waits leaves the line', async () => {
    const holder = start('lock', 'busy');
    await holder.untilLines(2);
    const waiter = start('lock', 'busy');
    await untilCount('busy', 2);

    expect(await waiter.end()).toEqual({ code: 1, out: '', err: 'Error: interrupted\n' });
    expect(await keysOf('busy')).toHaveLength(1);
    await holder.end();
  });

  test('that loses its key ends with an error', async () => {
    const holder = start('lock', 'lost');
    await holder.untilLines(2);
    await conclave('lease', 'revoke', await leaseOf('lost'));

    const { code, err } = await holder.ended;

    expect(code).toBe(1);
    expect(err).toMatch(/^Error: lost\/[0-9a-f]+ is gone: its lease ended, or it was deleted\n$/);
  });

  test('that loses its key while its command runs sends it SIGTERM', async () => {
    const script = 'trap "echo told; exit 0" TERM; echo up; while :; do sleep 0.05; done';
    const holder = start('lock', 'lost-too', '--', 'sh', '-c', script);
    await holder.untilLines(1);
    await conclave('del', '--prefix', 'lost-too/');

    const { code, out, err } = await holder.ended;

    expect({ code, out }).toEqual({ code: 1, out: 'up\ntold\n' });
    expect(err).toContain('is gone');
  });

  test('passes an interrupt on to its command, and ends as it does', async () => {
    const holder = start(
      'lock',
      'passed-on',
      '--',
      'sh',
      '-c',
      'trap "exit 7" INT; echo up; while :; do sleep 0.05; done',
    );
    await holder.untilLines(1);

    expect(await holder.end()).toEqual({ code: 7, out: 'up\n', err: '' });
    expect(await keysOf('passed-on')).toEqual([]);
  });

  test('says when there is no such command', async () => {
    const { code, err } = await conclave('lock', 'none', 'no-such-command');

    expect({ code, err }).toEqual({
      code: 1,
      err: 'Error: exec: "no-such-command": executable file not found in $PATH\n',
    });
    expect(await keysOf('none')).toEqual([]);
  });

  test('keeps its lease alive for longer than the lease lasts', async () => {
    const holder = start('lock', 'kept', '--ttl', '2');
    await holder.untilLines(2);
    await new Promise((resolve) => setTimeout(resolve, 3_500));

    expect(await keysOf('kept')).toHaveLength(1);
    await holder.end();
  });
});

describe('conclave elect', () => {
  test('leads with a proposal, and who listens is told of each leader', async () => {
    const listener = start('elect', 'e', '--listen');
    const first = start('elect', 'e', 'one');
    await listener.untilLines(2);
    const second = start('elect', 'e', 'two');
    await untilCount('e', 2);

    await first.end();
    await Promise.all([listener.untilLines(4), second.untilLines(2)]);
    const { out } = await second.end();

    expect(out).toMatch(/^e\/[0-9a-f]+\ntwo\n$/);
    expect((await listener.end()).out).toMatch(/^e\/[0-9a-f]+\none\ne\/[0-9a-f]+\ntwo\n$/);
  });

  test.each([
    [['elect', 'e'], 'proposal'],
    [['elect', 'e', 'x', '-l'], 'proposal'],
    [['lock'], 'name'],
    [['lock', 'x', '--ttl', 'y'], '--ttl is "y"'],
  ])('%j is answered with 2', async (args, word) => {
    const { code, err } = await conclave(...args);

    expect(code).toBe(2);
    expect(err).toContain(word);
  });
});

async function untilCount(name: string, count: number): Promise<void> {
  for (let looks = 0; looks < 400; looks += 1) if ((await keysOf(name)).length === count) return;
  throw new Error(`there are not ${count} in the line ${name}`);
}
