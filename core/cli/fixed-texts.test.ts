/** What commands print, of a member of ours: the texts are etcdctl's, as `etcdctl.test.ts` shows where there is one. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningMember, startMember } from '../server/start-member.js';
import { runHere, startHere } from './testing/run-here.js';

let running: RunningMember;
let env: Record<string, string>;

beforeAll(async () => {
  running = await startMember({ memory: true }, { name: 'm1', listen: 'http://127.0.0.1:0', authPasswordCost: 4 });
  env = { ...process.env, ETCDCTL_ENDPOINTS: running.clientUrl as string };
});
afterAll(() => running.close());

const conclave = (args: readonly string[], stdin = '') => runHere(args, { env, stdin });
const out = async (line: string, stdin = '') => (await conclave(line.split(' '), stdin)).out;

/** Ids, terms and revisions are this cluster's own. */
const normal = (text: string) =>
  text
    .replaceAll(/\b\d{16,20}\b/g, '<id>')
    .replaceAll(/\b[0-9a-f]{14,16}\b/g, '<hex>')
    .replaceAll(/((?:revision|Revision|raft_term|RaftTerm)"? ?: ?)\d+/g, '$1<n>');

describe('of keys', () => {
  test('put, get and del as lines', async () => {
    expect(await out('put a 1')).toBe('OK\n');
    expect(await out('put a 2 --prev-kv')).toBe('OK\na\n1\n');
    expect(await out('put b', 'from\nthe input')).toBe('OK\n');
    expect(await out('get a')).toBe('a\n2\n');
    expect(await out('get a c')).toBe('a\n2\nb\nfrom\nthe input\n');
    expect(await out('get a c --keys-only')).toBe('a\n\nb\n\n');
    expect(await out('get a c --count-only')).toBe('2\n');
    expect(await out('get a --print-value-only')).toBe('2\n');
    expect(await out('get a --hex')).toBe('\\x61\n\\x32\n');
    expect(await out('get --from-key a --limit 1')).toBe('a\n2\n');
    expect(await out('get a c --order DESCEND --sort-by VALUE')).toBe('b\nfrom\nthe input\na\n2\n');
    expect(await out('del none')).toBe('0\n');
    expect(await out('del a c --prev-kv')).toBe('2\na\n2\nb\nfrom\nthe input\n');
  });

  test('put and get as JSON, with bytes in base64 and plain numbers', async () => {
    expect(normal(await out('put <j> 1 -w json'))).toBe(
      '{"header":{"cluster_id":<id>,"member_id":<id>,"revision":<n>,"raft_term":<n>}}\n',
    );
    expect(normal(await out('get <j> -w json'))).toBe(
      '{"header":{"cluster_id":<id>,"member_id":<id>,"revision":<n>,"raft_term":<n>},' +
        '"kvs":[{"key":"PGo+","create_revision":<n>,"mod_revision":<n>,"version":1,"value":"MQ=="}],"count":1}\n',
    );
  });

  test('get as fields, with what is no text escaped', async () => {
    await conclave(['txn'], '\nput f "\\x00\\xff\\té\\"\\u00a0\\U000e0001"\n\n\n');

    expect(normal(await out('get f -w fields'))).toBe(
      [
        '"ClusterID" : <id>',
        '"MemberID" : <id>',
        '"Revision" : <n>',
        '"RaftTerm" : <n>',
        '"Key" : "f"',
        '"CreateRevision" : <n>',
        '"ModRevision" : <n>',
        '"Version" : 1',
        // The test reads bytes as Latin-1.
        '"Value" : "\\x00\\xff\\tÃ©\\"\\u00a0\\U000e0001"',
        '"Lease" : 0',
        '"More" : false',
        '"Count" : 1',
        '',
      ].join('\n'),
    );
  });

  test('a transaction that succeeds, and one that fails', async () => {
    const words = 'version("t") = "0"\n\nput t 1\nget t\ndel none\n\nget t\n\n';

    expect(await out('txn', words)).toBe('SUCCESS\n\nOK\n\nt\n1\n\n0\n');
    expect(await out('txn -i', words)).toBe(
      'compares:\nsuccess requests (get, put, del):\nfailure requests (get, put, del):\nFAILURE\n\nt\n1\n',
    );
  });

  test('a form that there is none of is refused before anything is done', async () => {
    expect(await conclave(['put', 'not-put', '1', '-w', 'table'])).toEqual({
      code: 1,
      out: '',
      err: 'Error: table not supported as output format\n',
    });
    expect(await out('get not-put')).toBe('');
  });

  test('a compaction, in all forms alike, and what it refuses', async () => {
    const [, revision] = /"revision":(\d+)/.exec(await out('put c 1 -w json')) ?? [];

    expect(await out(`compact ${revision}`)).toBe(`compacted revision ${revision}\n`);
    expect(await conclave(['compaction', String(revision), '-w', 'json'])).toMatchObject({
      code: 1,
      err: 'Error: etcdserver: mvcc: required revision has been compacted\n',
    });
    const watch = await conclave(['watch', 'c', '--rev', '1']);
    expect(watch).toEqual({
      code: 1,
      out: '',
      err: 'watch was canceled (etcdserver: mvcc: required revision has been compacted)\nError: watch is canceled by the server\n',
    });
  });

  test('a watch as lines and as JSON', async () => {
    const [, revision] = /"revision":(\d+)/.exec(await out('put w 1 -w json')) ?? [];
    const json = startHere(['watch', 'w', '--rev', String(revision), '-w', 'json'], { env });
    await json.untilLines(1);
    expect(normal((await json.end()).out)).toBe(
      '{"Header":{"cluster_id":<id>,"member_id":<id>,"revision":<n>,"raft_term":<n>},"Events":[' +
        '{"kv":{"key":"dw==","create_revision":<n>,"mod_revision":<n>,"version":1,"value":"MQ=="}}],' +
        '"CompactRevision":<n>,"Canceled":false,"Created":false}\n',
    );

    await out('del w');
    const lines = startHere(['watch', 'w', '--rev', String(revision), '--prev-kv'], { env });
    await lines.untilLines(8);
    expect((await lines.end()).out).toBe('PUT\nw\n1\nDELETE\nw\n1\nw\n\n');
  });

  test('how far a watch is, when it is asked', async () => {
    const [, before] = /"revision":(\d+)/.exec(await out('put x 1 -w json')) ?? [];
    const watch = startHere(['watch', '-i'], { env });
    watch.write(`watch progress-of --rev ${before}\ndance\n`);
    const [, revision] = /"revision":(\d+)/.exec(await out('put progress-of 1 -w json')) ?? [];
    await watch.untilLines(3);
    watch.write('progress\n');
    await watch.untilLines(4);

    const { out: told, err } = await watch.end();
    expect(told).toBe(`PUT\nprogress-of\n1\nprogress notify: ${revision}\n`);
    expect(err).toBe('Invalid command dance (only support watch and progress)\n');
  });
});

describe('of leases', () => {
  test('from grant to revoke', async () => {
    const granted = await out('lease grant 100');
    expect(normal(granted)).toBe('lease <hex> granted with TTL(100s)\n');
    const id = /[0-9a-f]{16}/.exec(granted)?.[0] as string;
    await out(`put l1 v --lease ${id}`);
    await out(`put l2 v --lease=${id.replace(/^0+/, '')}`);

    expect(await out(`lease timetolive ${id} --keys`)).toMatch(
      /remaining\((?:100|99)s\), attached keys\(\[l1 l2\]\)\n$/,
    );
    expect(await out(`lease keep-alive --once ${id}`)).toBe(`lease ${id} keepalived with TTL(100)\n`);
    expect(await out('lease list')).toBe(`found 1 leases\n${id}\n`);
    expect(await out(`lease revoke ${id}`)).toBe(`lease ${id} revoked\n`);
    expect(await out(`lease timetolive ${id}`)).toBe(`lease ${id} already expired\n`);
    expect(await out(`lease keep-alive ${id}`)).toBe(`lease ${id} expired or revoked.\n`);
    expect(await conclave(['lease', 'keep-alive', '--once', id])).toMatchObject({
      code: 1,
      err: 'Error: etcdserver: requested lease not found\n',
    });
    expect(await out('get --prefix l')).toBe('');
  });

  test('is kept alive until it is interrupted', async () => {
    const id = /[0-9a-f]{16}/.exec(await out('lease grant 2'))?.[0] as string;
    const keeping = startHere(['lease', 'keep-alive', id], { env });
    await keeping.untilLines(4);

    const { code, out: told } = await keeping.end();
    expect(code).toBe(0);
    expect(new Set(told.trimEnd().split('\n'))).toEqual(new Set([`lease ${id} keepalived with TTL(2)`]));
  });
});

describe('of members and endpoints', () => {
  test('as tables', async () => {
    expect(normal(await out('member list -w table')).split('\n')[1]).toMatch(
      /^\| +ID +\| STATUS +\| NAME \| +PEER ADDRS +\| +CLIENT ADDRS +\| IS LEARNER \|$/,
    );
    const status = (await out('endpoint status -w table')).split('\n');
    expect(status[1]).toMatch(
      /^\| +ENDPOINT +\| +ID +\| VERSION \| DB SIZE \| IS LEADER \| IS LEARNER \| RAFT TERM \| /,
    );
    expect(new Set(status.slice(0, 5).map(({ length }) => length)).size).toBe(1);
    expect(await out('endpoint health -w table')).toMatch(/\| {3}true \| [\d.]+ms \| {7}\|\n/);
  });

  test('one that cannot be reached is named, in every form', async () => {
    const { code, out: told } = await conclave(['endpoint', 'health', '-w', 'json', '--endpoints', '127.0.0.1:1']);

    expect(code).toBe(1);
    expect(JSON.parse(told)).toMatchObject([{ endpoint: '127.0.0.1:1', health: false }]);
    expect(told).toContain('ECONNREFUSED');
  });

  test('ids of members in JSON are hexadecimal if that is wanted', async () => {
    const { members } = JSON.parse(await out('member list -w json --hex')) as { members: { ID: string }[] };

    expect(members.map(({ ID }) => ID)).toEqual([running.member.memberId.toString(16)]);
  });
});

describe('of users and roles', () => {
  test('as lines', async () => {
    expect(await out('user add alice:pw')).toBe('User alice created\n');
    expect(await out('user add bob --interactive=false', 'pw\n')).toBe('User bob created\n');
    expect(await out('role add r')).toBe('Role r created\n');
    expect(await out('role grant-permission r read pre --prefix')).toBe('Role r updated\n');
    expect(await out('role grant-permission r readwrite k')).toBe('Role r updated\n');
    expect(await out('role grant-permission r write z --from-key')).toBe('Role r updated\n');
    expect(await out('role get r')).toBe(
      'Role r\nKV Read:\n\tk\n\t[pre, prf) (prefix pre)\nKV Write:\n\tk\n\t[z, <open ended>\n',
    );
    expect(await out('user grant-role alice r')).toBe('Role r is granted to user alice\n');
    expect(await out('user get alice')).toBe('User: alice\nRoles: r\n');
    expect(await out('user list')).toBe('alice\nbob\n');
    expect(await out('auth status')).toMatch(/^Authentication Status: false\nAuthRevision: \d+\n$/);
    expect(await out('role revoke-permission r z --from-key')).toBe(
      'Permission of range [z, <open ended> is revoked from role r\n',
    );
    expect(await out('user passwd bob', 'new\nnew\n')).toBe('Password updated\n');
    expect((await conclave(['user', 'passwd', 'bob'], 'new\nold\n')).err).toBe(
      'Error: given passwords are different\n',
    );
    expect(await out('user delete bob')).toBe('User bob deleted\n');
    expect(await out('role delete r')).toBe('Role r deleted\n');
  });
});
