/** Locks, elections and mirrors beside etcdctl's own, of one etcd. Skipped where there is none. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runHere, startHere } from '../../testing/run-here.js';
import { normal, SideBySide, whyNotHere } from '../../testing/side-by-side.js';

const why = whyNotHere();
if (why !== undefined) test.skip(`etcdctl: skipped, because ${why}`, () => {});

const PATIENCE_MS = 30_000;

let both: SideBySide;

const describeHere = why === undefined ? describe : describe.skip;

describeHere('locks and elections', () => {
  beforeAll(async () => (both = await SideBySide.start()), PATIENCE_MS);
  afterAll(() => both.stop());

  const env = () => ({ ...process.env, ETCDCTL_ENDPOINTS: both.addresses[1] });

  /** Base64 keys hold their lease's id. */
  const text = (out: string) => normal(out).replaceAll(/"key":"[^"]+"/g, '"key":"<key>"');

  test.each(['simple', 'json', 'fields'])('a lock, told as %s', async (form) => {
    const holding = both.start(['lock', `lock-${form}`, '-w', form]);
    await holding.untilLines({ simple: 2, json: 1, fields: 12 }[form] as number);

    const { theirs, ours } = await holding.end();
    expect(text(ours.out)).toBe(text(theirs.out));
  });

  test.each(['simple', 'json', 'fields'])('a leader, and who listens, told as %s', async (form) => {
    const leading = both.start(['elect', `e-${form}`, 'me', '-w', form]);
    const lines = { simple: 2, json: 1, fields: 12 }[form] as number;
    await leading.untilLines(lines);
    const listening = both.start(['elect', `e-${form}`, '--listen', '-w', form]);
    await listening.untilLines(lines);

    for (const running of [listening, leading]) {
      const { theirs, ours } = await running.end();
      expect(text(ours.out)).toBe(text(theirs.out));
    }
  });

  test('a command that is run while a lock is held', async () => {
    for (const command of [
      ['sh', '-c', 'echo "${ETCD_LOCK_KEY%/*} ${ETCD_LOCK_REV:+token}"'],
      ['sh', '-c', 'exit 4'],
    ]) {
      const { theirs, ours } = await both.run(['lock', 'run', '--', ...command]);
      // The command's own exit code is etcdctl's from 3.5 on; 3.4 says 1.
      expect(ours.out).toBe(theirs.out);
      expect(ours.code === 0).toBe(theirs.code === 0);
    }
  });

  test('we wait for a lock that etcdctl holds, and it waits for ours', async () => {
    const theirs = both.startTheirsOnOurs(['lock', 'shared']);
    await theirs.untilLines(2);
    const ours = startHere(['lock', 'shared'], { env: env() });
    await waiters('shared', 2);
    const theirsAgain = both.startTheirsOnOurs(['lock', 'shared', 'echo', 'theirs again']);
    await waiters('shared', 3);
    let isOver = false;
    void theirsAgain.ended.then(() => (isOver = true));

    await theirs.end();
    await ours.untilLines(2);
    expect(isOver).toBe(false);
    await ours.end();

    expect((await theirsAgain.ended).out).toBe('theirs again\n');
  });

  test('we follow a leader of etcdctl’s, and it follows ours', async () => {
    const theirs = both.startTheirsOnOurs(['elect', 'led', 'theirs']);
    await theirs.untilLines(2);
    const ours = startHere(['elect', 'led', 'ours'], { env: env() });
    await waiters('led', 2);
    const theyListen = both.startTheirsOnOurs(['elect', 'led', '--listen']);
    await theyListen.untilLines(2);

    await theirs.end();
    await Promise.all([ours.untilLines(2), theyListen.untilLines(4)]);
    await ours.end();

    expect((await theyListen.end()).out).toMatch(/^led\/\w+\ntheirs\nled\/\w+\nours\n$/);
  });

  async function waiters(name: string, count: number): Promise<void> {
    for (let looks = 0; looks < 400; looks += 1) {
      const { out } = await runHere(['get', '--prefix', `${name}/`, '--keys-only'], { env: env() });
      if (out.split('\n').filter(Boolean).length === count) return;
    }
    throw new Error(`there are not ${count} in the line ${name}`);
  }
});

describeHere('a mirror', () => {
  beforeAll(async () => (both = await SideBySide.start()), PATIENCE_MS);
  afterAll(() => both.stop());

  test('copies what is there, and what happens', async () => {
    const [destination, source] = both.addresses;
    const env = { ...process.env, ETCDCTL_ENDPOINTS: source };
    const there = { ...process.env, ETCDCTL_ENDPOINTS: destination };
    await runHere(['txn'], { env, stdin: '\nput m/1 one\nput m/2 two\nput other x\n\n\n' });
    const mirror = startHere(['make-mirror', destination, '--prefix', 'm/', '--dest-prefix', 'copy/'], { env });
    const copied = () => runHere(['get', '--prefix', ''], { env: there });
    await untilSame(copied, 'copy/1\none\ncopy/2\ntwo\n');

    await runHere(['txn'], { env, stdin: '\nput m/3 three\ndel m/1\nput m/2 "more\\x00"\n\n\n' });
    await runHere(['put', 'other', 'y'], { env });

    await untilSame(copied, 'copy/2\nmore\0\ncopy/3\nthree\n');
    expect(await mirror.end()).toEqual({ code: 0, out: '', err: '' });
  });

  async function untilSame(look: () => Promise<{ readonly out: string }>, wanted: string): Promise<void> {
    let out = '';
    for (let looks = 0; looks < 400 && out !== wanted; looks += 1) out = (await look()).out;
    expect(out).toBe(wanted);
  }
});
