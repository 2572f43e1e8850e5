/**
 * What `conclave X` prints is what `etcdctl X` prints, byte by byte, of an etcd that was told the same before. Where
 * there is no etcdctl this is skipped; `fixed-texts.test.ts` holds the same texts and runs everywhere.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Both, normal, SideBySide, whyNotHere } from './testing/side-by-side.js';

const why = whyNotHere();
if (why !== undefined) test.skip(`etcdctl: skipped, because ${why}`, () => {});

const PATIENCE_MS = 30_000;
const FORMS = ['simple', 'json', 'fields', 'protobuf'] as const;

/** A command line, and what it reads. */
type Step = string | readonly [line: string, stdin: string];

let both: SideBySide;

/** The words of a line; `_` is an empty one. */
function wordsOf(line: string): string[] {
  return line.split(' ').map((word) => (word === '_' ? '' : word));
}

async function run(step: Step, ...more: readonly string[]): Promise<Both> {
  const [line, stdin] = typeof step === 'string' ? [step, ''] : step;
  return both.run([...wordsOf(line), ...more], stdin);
}

function expectSame({ theirs, ours }: Both): void {
  expect(normal(ours.out)).toBe(normal(theirs.out));
  expect(ours.code === 0).toBe(theirs.code === 0);
  const said = /^Error: etcdserver: .*$/m.exec(theirs.err)?.[0];
  if (said !== undefined) expect(ours.err.trimEnd()).toBe(said);
}

const describeHere = why === undefined ? describe : describe.skip;

describeHere('of keys', () => {
  beforeAll(async () => (both = await SideBySide.start()), PATIENCE_MS);
  afterAll(() => both.stop());

  const TXN = [
    'mod("a") > "0"\nval("a") != "no"\nversion("a") > "0"\ncreate("none") = "0"\n\n',
    'put q 1\nget --prefix a\ndel none\nget none\nput r "two words\\n" --prev-kv\ndel s --prev-kv\n\n',
    'get a\n\n',
  ].join('');
  const FAILING_TXN = 'val("a") = "no"\n\nput q 2\n\nget a\nget --prefix _ --limit 1\n\n';

  test.each<Step>([
    'put a 1',
    'put a 2 --prev-kv',
    'put b\u00e9<> x',
    ['put from-stdin', 'a value\nof two lines\n'],
    'put s 1',
    'get a',
    'get a z',
    'get a z --limit 1',
    'get --prefix _',
    'get none',
    'get --from-key b',
    'get a --keys-only',
    'get --prefix _ --order DESCEND --sort-by CREATE',
    'get --prefix _ --sort-by VALUE',
    'get --prefix _ --sort-by VALUE --order ASCEND --limit=2',
    'get --prefix _ --sort-by MODIFY --order ascend',
    'get --prefix _ --sort-by VERSION --order DESCEND',
    'get a --consistency s',
    'get a --rev 2',
    'get --prefix=true a',
    'get --prefix=false a',
    'put a --ignore-value',
    'put a --ignore-value --prev-kv',
    ['txn', TXN],
    ['txn', FAILING_TXN],
    ['txn', '\n\n\n'],
    ['txn -i', FAILING_TXN],
    'del none',
    'del a --prev-kv',
    'del b z --prev-kv',
    'del --prefix _',
    'del --from-key _',
  ])('%j, in each form', async (step) => {
    for (const form of FORMS) expectSame(await run(step, '-w', form));
  });

  test.each<Step>([
    'get a --print-value-only',
    'get --prefix _ --hex',
    'put --hex a b --prev-kv',
    'get --hex a --print-value-only',
    'del --hex a --prev-kv',
    'get a -w table',
    'put -- -dash -1',
    'put dash -- -1',
    'get -- -dash',
    'compaction 20',
    'compact 21 --physical',
    'compaction 22 -w json',
    'compaction 22',
    'compaction 1000000',
    'compaction abc',
    'get a --rev 2',
    'get a --rev 1000000',
    'get _',
    'put _ 1',
    'put a 1 --lease 1234',
    'put none --ignore-value',
    'get',
    'get a b --prefix',
    'get a --prefix --from-key',
    'get a --order up',
    'get a --sort-by name',
    'get a --consistency x',
    'get a -w words',
    'put a 1 --ignore-value',
    'del a b --prefix',
    ['txn', 'nonsense\n\n\n\n'],
    ['txn', 'mod("a") > "x"\n\n\n\n'],
    ['txn', 'val("a") = "1"\n\ndance\n\n\n'],
    ['txn', 'val("a") = "1"\n\nput a\n\n\n'],
    ['txn', 'val("a") = "1"\n\nput a 1\nput a 2\n\n\n'],
    ['txn', 'val("a") = "1"\n\nget a\n'],
    'txn something',
  ])('%j', async (step) => {
    expectSame(await run(step));
  });

  test('values that are no text', async () => {
    await both.run(['txn'], '\nput bytes "\\x00\\x01\\xff\\u00e9\\t\\"\\\\"\n\n\n');
    for (const form of FORMS) expectSame(await run('get bytes', '-w', form));
    expectSame(await run('get bytes --hex'));
  });

  test.each(['simple', 'json', 'fields'])('a watch, told as %s', async (form) => {
    const from = String(await revision());
    const live = both.start(['watch', '--prefix', 'w/', '--rev', from, '--prev-kv', '-w', form]);
    // Each is waited for: what comes together is told together.
    const lines = { simple: [3, 8, 11, 16, 21], json: [1, 2, 3, 4, 5], fields: [11, 28, 39, 56, 73] }[form] as number[];
    for (const [index, line] of ['put w/a 1', 'put w/a 2', 'put w/b 1', 'del w/a', 'del --prefix w/'].entries()) {
      await run(line);
      await live.untilLines(lines[index] as number);
    }

    const { theirs, ours } = await live.end();
    expect(normal(ours.out)).toBe(normal(theirs.out));
  });

  test('a watch that runs a command', async () => {
    const from = String(await revision());
    const script = 'env | grep ETCD_WATCH | sort; echo "$0"';
    const live = both.start(['watch', 'run', '--rev', from, '--', 'sh', '-c', script, '-w']);
    await run('put run a"b');
    await live.untilLines(8);
    await run('del run');
    await live.untilLines(16);

    const { theirs, ours } = await live.end();
    expect(ours.out).toBe(theirs.out);
  });

  test('a watch whose command fails, and one of compacted history', async () => {
    const from = String(await revision());
    await run('put failing 1');
    for (const command of [['false'], ['sh', '-c', 'exit 3'], ['no-such-command']]) {
      const { theirs, ours } = await both.run(['watch', 'failing', '--rev', from, '--', ...command]);
      expect({ out: ours.out, err: ours.err }).toEqual({ out: theirs.out, err: theirs.err });
      expect([ours.code, theirs.code]).toEqual([1, 1]);
    }
    for (const form of ['simple', 'json', 'fields']) {
      const { theirs, ours } = await run('watch failing --rev 1', '-w', form);
      expect(normal(ours.out)).toBe(normal(theirs.out));
      expect(ours.err).toBe(theirs.err);
      expect(ours.code).toBe(1);
    }
  });

  test('watches that are asked for line by line', async () => {
    const from = await revision();
    const live = both.start(['watch', '-i']);
    live.write(`watch l1 --rev ${from}\n`);
    await run('put l1 1');
    await live.untilLines(3);
    live.write(`watch --prefix "l2 " --rev ${from} --prev-kv -- echo seen\n`);
    await both.run(['put', 'l2 x', '2']);
    await live.untilLines(7);

    const { theirs, ours } = await live.end();
    expect(ours.out).toBe(theirs.out);
  });

  /** The next one, which is the same of both. */
  async function revision(): Promise<number> {
    const told = await both.run(['put', 'revision', 'x', '-w', 'json']);
    const [theirs, ours] = [told.theirs, told.ours].map(
      ({ out }) => (JSON.parse(out) as { header: { revision: number } }).header.revision,
    );
    expect(ours).toBe(theirs);
    return (ours as number) + 1;
  }
});

describeHere('of leases, members and endpoints', () => {
  beforeAll(async () => (both = await SideBySide.start()), PATIENCE_MS);
  afterAll(() => both.stop());

  test.each(FORMS)('a lease from its grant to its end, told as %s', async (form) => {
    const granted = await run('lease grant 100');
    expectSame(granted);
    const idOf = (which: 'theirs' | 'ours') => /[0-9a-f]{16}/.exec(granted[which].out)?.[0] as string;
    const about = (...words: string[]) =>
      both.run((which) => [...words.map((word) => (word === 'ID' ? idOf(which) : word)), '-w', form]);
    await about('put', 'k1', 'v', '--lease', 'ID');

    const ttl = (told: Both) => ({
      theirs: { ...told.theirs, out: told.theirs.out.replace(/\b(100|99|98)\b/, 'LEFT') },
      ours: { ...told.ours, out: told.ours.out.replace(/\b(100|99|98)\b/, 'LEFT') },
    });
    if (form === 'protobuf') return expect((await about('lease', 'list')).ours.out).not.toBe('');
    for (const words of [
      ['timetolive', 'ID'],
      ['timetolive', 'ID', '--keys'],
      ['keep-alive', 'ID', '--once'],
    ]) {
      const text = ({ out }: { out: string }) =>
        normal(out).replaceAll(/(remaining\(|"TTL" : |"ttl":)(?:100|99|98)/g, '$1LEFT');
      const told = ttl(await about('lease', ...words));
      expect(text(told.ours)).toBe(text(told.theirs));
    }
    for (const words of [
      ['list'],
      ['revoke', 'ID'],
      ['revoke', 'ID'],
      ['timetolive', 'ID'],
      ['keep-alive', 'ID', '--once'],
      ['keep-alive', 'ID'],
    ]) {
      expectSame(await about('lease', ...words));
    }
  });

  test.each<Step>([
    'lease grant x',
    'lease grant',
    'lease grant 0',
    'lease grant -- -1',
    'lease revoke xyz',
    'lease revoke 0',
    'lease timetolive 1234',
    'lease timetolive 1234 --keys',
    'lease list -w table',
    'endpoint status -w table',
    'endpoint status -w fields',
    'endpoint status -w json',
    'endpoint status',
    'endpoint status --cluster',
    'endpoint hashkv -w fields',
    'endpoint hashkv -w json',
    'endpoint health -w json',
    'endpoint health -w fields',
    'member list',
    'member list -w json',
    'member list -w fields',
    'member list -w table',
    'member list -w protobuf',
    'alarm list',
    'alarm list -w json',
    'alarm disarm',
    'alarm disarm -w json',
    'alarm list -w table',
    'defrag',
    'defrag --cluster',
    'defrag -w json',
  ])('%j', async (step) => {
    const told = await run(step);
    if (step.includes('hashkv')) {
      const text = ({ out }: { out: string }) => normal(out).replaceAll(/("hash":|"Hash" : )\d+/g, '$1<hash>');
      return expect(text(told.ours)).toBe(text(told.theirs));
    }
    // Of sizes and how far the log is: as wide as the widest.
    const text = ({ out }: { out: string }) =>
      normal(out)
        .replaceAll(/ +/g, ' ')
        .replaceAll(/-+/g, '-')
        .replaceAll(
          /([\d.]+ [kM]B)|("(?:DBSize|RaftIndex|RaftAppliedIndex)" : \d+)|("(?:dbSize|raft\w*Index|dbSizeInUse)":\d+)/g,
          '<n>',
        )
        .replaceAll(/\b\d+, \d+, \n/g, '<n>, <n>, \n')
        .replaceAll(/\| \d+ \| \d+ \| \|/g, '| <n> | <n> | |')
        .replaceAll(/took = .*|[\d.]+(?:µ|Âµ|m)?s \|/g, '<time>');
    expect(text(told.ours)).toBe(text(told.theirs));
    expect(told.ours.code === 0).toBe(told.theirs.code === 0);
  });

  test('a full store, and space made again', async () => {
    const small = await SideBySide.start({ flags: ['--quota-backend-bytes', String(256 * 1024)] });
    try {
      const value = 'x'.repeat(100_000);
      // An etcd notes its size when it writes to disk: how many puts there is space for is a matter of time.
      const areFull = async (put: number) => {
        const { theirs, ours } = await small.run(['put', `big/${put}`, value]);
        return theirs.code !== 0 && ours.code !== 0;
      };
      let put = 0;
      while (!(await areFull(put))) expect((put += 1)).toBeLessThan(50);
      for (const line of ['put one more', 'alarm list', 'alarm list -w json', 'endpoint status -w simple']) {
        const { theirs, ours } = await small.run(line.split(' '));
        const text = (out: string) => normal(out).replaceAll(/\d+ kB|\d+, \d+, \d+,/g, '<n>');
        expect(text(ours.out)).toBe(text(theirs.out));
        expect(ours.code === 0).toBe(theirs.code === 0);
      }
      await small.run(['del', '--prefix', 'big/']);
      for (const line of ['compact 2', 'alarm disarm', 'alarm list']) {
        const { theirs, ours } = await small.run(line.split(' '));
        expect(normal(ours.out)).toBe(normal(theirs.out));
      }
    } finally {
      await small.stop();
    }
  });
});

describeHere('of users, roles and authentication', () => {
  beforeAll(async () => (both = await SideBySide.start({ flags: ['--bcrypt-cost', '4'] })), PATIENCE_MS);
  afterAll(() => both.stop());

  /** One after the other: each goes by what those before did. */
  const STEPS: readonly Step[] = [
    'user add alice:pw',
    'user add alice:pw',
    'user add bob --new-user-password pw -w fields',
    'user add cn --no-password -w json',
    ['user add carol --interactive=false', 'pw\n'],
    'user add :pw',
    'user add',
    'user list',
    'user list -w json',
    'user list -w protobuf',
    'role add r1',
    'role add r2 -w json',
    'role add r3 -w fields',
    'role add r1',
    'role grant-permission r1 read foo',
    'role grant-permission r1 write foo bar -w json',
    'role grant-permission r1 readwrite pre --prefix',
    'role grant-permission r1 readwrite fk --from-key -w fields',
    'role grant-permission r1 read _',
    'role grant-permission r1 read _ --prefix',
    'role grant-permission r1 dance foo',
    'role grant-permission none read foo',
    'role get r1',
    'role get r1 -w json',
    'role get r1 -w fields',
    'role get r1 -w protobuf',
    'role get none',
    'role list',
    'role list -w json',
    'role list -w fields',
    'user grant-role alice r1',
    'user grant-role alice r2 -w json',
    'user grant-role alice none',
    'user get alice',
    'user get alice -w json',
    'user get alice --detail',
    'user get alice --detail -w json',
    'user get alice --detail -w fields',
    'user get nobody',
    'user revoke-role alice r2',
    'user revoke-role alice r2',
    'role revoke-permission r1 foo',
    'role revoke-permission r1 foo bar',
    'role revoke-permission r1 pre --prefix',
    'role revoke-permission r1 fk --from-key -w json',
    'role revoke-permission r1 none',
    'role revoke-permission r1 _ --prefix',
    'role get r1',
    ['user passwd alice --interactive=false', 'new\n'],
    ['user passwd alice --interactive=false -w json', 'new\n'],
    'role delete r3',
    'role delete r3',
    'user delete bob',
    'user delete bob',
    'user delete carol -w fields',
    'auth enable',
    'user add root:root',
    'user grant-role root root',
    'put foo 1',
    'role grant-permission r1 readwrite foo',
    'auth enable',
    'get foo',
    'get foo --user alice:new',
    'get foo --user alice --password new',
    ['get foo --user root', 'root\n'],
    'get foo --user alice:bad',
    'get other --user alice:new',
    'get other --user root:root',
    'auth disable --user alice:new',
    'watch other --rev 1 --user alice:new',
    'lease grant 10 --user nobody:x',
    'auth disable --user root:root',
    'get foo --user root:root',
    'auth disable',
  ];

  test('step by step', async () => {
    for (const step of STEPS) {
      const { theirs, ours } = await run(step);
      // What etcdctl asks on a pipe as if it were a terminal.
      const asked = theirs.out.replace(/^Password: \n?/, '');
      expect({ step, out: normal(ours.out).replace(/took = .*/, '') }).toEqual({
        step,
        out: normal(asked).replace(/took = .*/, ''),
      });
      expect({ step, isWell: ours.code === 0 }).toEqual({ step, isWell: theirs.code === 0 });
      const said = /^Error: etcdserver: .*$/m.exec(theirs.err)?.[0];
      if (said !== undefined) expect({ step, said: ours.err.trimEnd() }).toEqual({ step, said });
    }
  }, 90_000);
});
