import {
  answers,
  anything,
  at,
  b,
  bare,
  gives,
  http,
  introduced,
  jsonWith,
  like,
  n,
  on,
  onPurpose,
  puts,
  rule,
  since,
  stream,
  topic,
  where,
} from '../notation.js';
import type { Expected, Fields, HttpOutcome, Int } from '../rule.js';
import { auth, ENABLED, userAdd, login } from './auth-setup.js';

const post = (
  path: string,
  body: Fields | string,
  expects?: Expected<HttpOutcome>,
  headers?: Readonly<Record<string, string>>,
) => http(`POST ${path}`, body, expects, headers);
/** An answer with a header, which tells this revision. */
const ok = (revision: Int, body: Fields = {}) => answers(200, body, revision);
/** A key with its value, as JSON. */
const pair = (key: string, value: string, revisions: Int | readonly [Int, Int, number], more: Fields = {}): Fields => {
  const [create, mod, version] = Array.isArray(revisions)
    ? (revisions as [Int, Int, number])
    : [revisions as Int, revisions as Int, 1];
  return {
    key: b(key),
    create_revision: n(create),
    mod_revision: n(mod),
    version: n(version),
    ...(value !== '' && { value: b(value) }),
    ...more,
  };
};
/** An error: since 3.6 without its text a second time, with details, and 400 where it was 412. */
const failed = (httpStatus: number, code: number, text: string): Expected<HttpOutcome> =>
  since('3.6', answers(httpStatus === 412 ? 400 : httpStatus, { code, message: text, details: [] }), {
    before: answers(httpStatus, { error: text, message: text, code }),
  });
const etcd = (httpStatus: number, code: number, text: string) => failed(httpStatus, code, `etcdserver: ${text}`);

/** What is left of 600 seconds. */
const ALMOST_600 = like(/^(5\d\d|600)$/);
const ALL_KEYS = { key: b('~'), range_end: b('^') };
const GRANTED = post('/v3/lease/grant', { TTL: 600, ID: n('$lease') }, ok('r', { ID: n('$lease'), TTL: '600' }));

type Refusal = readonly [path: string, body: Fields, expects: Expected<HttpOutcome>];
const REFUSALS: readonly Refusal[] = [
  ['/v3/kv/range', {}, etcd(400, 3, 'key is not provided')],
  ['/v3/kv/put', { value: b('1') }, etcd(400, 3, 'key is not provided')],
  ['/v3/kv/put', { key: b('~a'), lease: '77' }, etcd(404, 5, 'requested lease not found')],
  ['/v3/kv/deleterange', {}, etcd(400, 3, 'key is not provided')],
  ['/v3/kv/txn', { success: [{}] }, etcd(400, 3, 'key not found')],
  [
    '/v3/kv/range',
    { ...ALL_KEYS, revision: '9223372036854775807' },
    etcd(400, 11, 'mvcc: required revision is a future revision'),
  ],
  [
    '/v3/kv/compaction',
    { revision: '9223372036854775807' },
    etcd(400, 11, 'mvcc: required revision is a future revision'),
  ],
  ['/v3/lease/grant', { TTL: '9223372036854775807' }, etcd(400, 11, 'too large lease TTL')],
  ['/v3/lease/revoke', { ID: '77' }, etcd(404, 5, 'requested lease not found')],
  ['/v3/kv/lease/revoke', { ID: '77' }, etcd(404, 5, 'requested lease not found')],
  ['/v3/auth/enable', {}, etcd(412, 9, 'root user does not exist')],
  ['/v3/auth/authenticate', { name: 'x', password: 'x' }, etcd(412, 9, 'authentication is not enabled')],
  ['/v3/auth/user/add', {}, etcd(400, 3, 'user name is empty')],
  ['/v3/auth/user/get', { name: 'x' }, etcd(412, 9, 'user name not found')],
  ['/v3/auth/user/delete', { name: 'x' }, etcd(412, 9, 'user name not found')],
  ['/v3/auth/user/changepw', { name: 'x', password: 'x' }, etcd(412, 9, 'user name not found')],
  ['/v3/auth/user/grant', { user: 'x', role: 'x' }, etcd(412, 9, 'user name not found')],
  ['/v3/auth/user/revoke', { name: 'x', role: 'x' }, etcd(412, 9, 'user name not found')],
  ['/v3/auth/role/add', {}, etcd(400, 3, 'role name is empty')],
  ['/v3/auth/role/get', { role: 'x' }, etcd(412, 9, 'role name not found')],
  ['/v3/auth/role/delete', { role: 'x' }, etcd(412, 9, 'role name not found')],
  ['/v3/auth/role/grant', { name: 'x', perm: { key: b('k') } }, etcd(412, 9, 'role name not found')],
  ['/v3/auth/role/revoke', { role: 'x', key: b('k') }, etcd(412, 9, 'role name not found')],
  ['/v3/election/leader', { name: b('~e') }, failed(500, 2, 'election: no leader')],
  ['/v3/election/proclaim', { value: b('v') }, failed(500, 2, '"leader" field must be provided')],
  ['/v3/election/resign', {}, failed(500, 2, '"leader" field must be provided')],
  ['/v3/lock/unlock', {}, failed(500, 2, 'etcdserver: key is not provided')],
];

/** What a member that can have others refuses. */
const MEMBER_REFUSALS: readonly Refusal[] = [
  ['/v3/cluster/member/remove', { ID: '1' }, etcd(404, 5, 'member not found')],
  ['/v3/cluster/member/update', { ID: '1', peerURLs: ['http://127.0.0.1:23998'] }, etcd(404, 5, 'member not found')],
  ['/v3/cluster/member/promote', { ID: '1' }, etcd(404, 5, 'member not found')],
  ['/v3/cluster/member/add', { peerURLs: ['nonsense'] }, etcd(400, 3, 'given member URLs are invalid')],
];
const refused = ([path, body, expects]: Refusal) =>
  rule(`JSON: refused: ${path} ${Object.keys(body).join(' ')}`, post(path, body, expects));

const PATHS = [
  ...['range', 'put', 'deleterange', 'txn', 'compaction'].map((each) => `/v3/kv/${each}`),
  '/v3/watch',
  ...['grant', 'revoke', 'keepalive', 'timetolive', 'leases'].map((each) => `/v3/lease/${each}`),
  ...['revoke', 'timetolive', 'leases'].map((each) => `/v3/kv/lease/${each}`),
  ...['add', 'remove', 'update', 'list', 'promote'].map((each) => `/v3/cluster/member/${each}`),
  ...['alarm', 'status', 'defragment', 'hash', 'snapshot', 'transfer-leadership'].map(
    (each) => `/v3/maintenance/${each}`,
  ),
  ...['enable', 'disable', 'authenticate'].map((each) => `/v3/auth/${each}`),
  ...['lock', 'unlock'].map((each) => `/v3/lock/${each}`),
  ...['campaign', 'proclaim', 'leader', 'observe', 'resign'].map((each) => `/v3/election/${each}`),
];

const alarmed = (alarm: string) => answers(200, { alarms: [{ memberID: '77', alarm }] });
const watched = stream('POST /v3/watch');
const kept = stream('POST /v3/lease/keepalive');
const observed = stream('POST /v3/election/observe');
const snapshot = stream('POST /v3/maintenance/snapshot');

/** What the router says: older versions in HTTP's own words, newer ones as if a call had failed. */
const routed = (httpStatus: number, text: string, newer: HttpOutcome): Expected<HttpOutcome> =>
  onPurpose('http-in-its-own-words', {
    etcd: since('3.6', newer, { before: answers(httpStatus, like(new RegExp(`^${text}`))) }),
    conclave: answers(httpStatus, like(new RegExp(`^${text}`))),
  });
/** A method of another kind. */
const NOT_POST = routed(
  405,
  'Method Not Allowed',
  answers(501, { code: 12, message: 'Method Not Allowed', details: [] }),
);
const NOT_THERE = routed(404, 'Not Found', answers(404, { code: 5, message: 'Not Found', details: [] }));

export const gateway = topic(
  'Gateway',
  // --- Keys ---------------------------------------------------------------------------------------------------------
  rule('JSON: a put', post('/v3/kv/put', { key: b('~a'), value: b('1') }, ok('r+1'))),
  rule(
    'JSON: a put that tells the pair before',
    puts('~a=1'),
    post('/v3/kv/put', { key: b('~a'), value: b('2'), prev_kv: true }, ok('r+2', { prev_kv: pair('~a', '1', 'r+1') })),
  ),
  rule(
    'JSON: names may be written in either way',
    puts('~a=1'),
    post('/v3/kv/put', { key: b('~a'), value: b('2'), prevKv: true }, ok('r+2', { prev_kv: pair('~a', '1', 'r+1') })),
  ),
  rule(
    'JSON: a range',
    puts('~a=1'),
    post('/v3/kv/range', { key: b('~a') }, ok('r+1', { kvs: [pair('~a', '1', 'r+1')], count: '1' })),
  ),
  rule('JSON: a range over nothing', post('/v3/kv/range', ALL_KEYS, ok('r'))),
  rule(
    'JSON: numbers come as numbers and as texts',
    puts('~a=1', '~b=2', '~c=3'),
    post(
      '/v3/kv/range',
      { ...ALL_KEYS, limit: 1 },
      ok('r+3', { kvs: [pair('~a', '1', 'r+1')], more: true, count: '3' }),
    ),
    post(
      '/v3/kv/range',
      { ...ALL_KEYS, limit: '1' },
      ok('r+3', { kvs: [pair('~a', '1', 'r+1')], more: true, count: '3' }),
    ),
  ),
  rule(
    'JSON: enums come as names and as numbers',
    puts('~a=1', '~b=2'),
    post(
      '/v3/kv/range',
      { ...ALL_KEYS, sort_order: 'DESCEND', limit: 1 },
      ok('r+2', { kvs: [pair('~b', '2', 'r+2')], more: true, count: '2' }),
    ),
    post(
      '/v3/kv/range',
      { ...ALL_KEYS, sort_order: 2, limit: 1 },
      ok('r+2', { kvs: [pair('~b', '2', 'r+2')], more: true, count: '2' }),
    ),
  ),
  rule(
    'JSON: bytes of any kind',
    post('/v3/kv/put', { key: b('~\xff\0'), value: b('\xfe') }, ok('r+1')),
    post('/v3/kv/range', { key: b('~\xff\0') }, ok('r+1', { kvs: [pair('~\xff\0', '\xfe', 'r+1')], count: '1' })),
  ),
  rule(
    'JSON: a deletion',
    puts('~a=1'),
    post(
      '/v3/kv/deleterange',
      { key: b('~a'), prev_kv: true },
      ok('r+2', { deleted: '1', prev_kvs: [pair('~a', '1', 'r+1')] }),
    ),
  ),
  rule('JSON: a deletion of nothing', post('/v3/kv/deleterange', { key: b('~a') }, ok('r'))),
  rule('JSON: a compaction', puts('~a=1'), post('/v3/kv/compaction', { revision: n('r+1') }, ok('r+1'))),
  rule(
    'JSON: a transaction that succeeds',
    puts('~a=1'),
    post(
      '/v3/kv/txn',
      {
        compare: [{ key: b('~a'), target: 'VALUE', result: 'EQUAL', value: b('1') }],
        success: [{ request_put: { key: b('~b'), value: b('2') } }, { request_range: { key: b('~b') } }],
      },
      ok('r+2', {
        succeeded: true,
        responses: [
          { response_put: { header: { revision: n('r+2') } } },
          { response_range: { header: { revision: n('r+2') }, kvs: [pair('~b', '2', 'r+2')], count: '1' } },
        ],
      }),
    ),
  ),
  rule(
    'JSON: a transaction that fails does not say so',
    post(
      '/v3/kv/txn',
      {
        compare: [{ key: b('~a'), target: 'CREATE', result: 'GREATER', create_revision: '0' }],
        failure: [{ request_delete_range: { key: b('~a') } }],
      },
      ok('r', { responses: [{ response_delete_range: { header: { revision: n('r') } } }] }),
    ),
  ),
  rule(
    'JSON: a field that does not exist is not looked at',
    post('/v3/kv/range', { key: b('~a'), nonsense: 1 }, ok('r')),
  ),
  rule('JSON: no body is an empty message', post('/v3/kv/range', '', etcd(400, 3, 'key is not provided'))),
  rule(
    'JSON: what follows the message is not looked at',
    puts('~a=1'),
    post('/v3/kv/range', '{"key":"bm90IHRoZXJl"} {"nonsense', ok('r+1')),
  ),
  rule(
    'JSON: null is as if it were not there',
    post('/v3/kv/range', { key: b('~a'), limit: null, revision: null }, ok('r')),
  ),
  rule('JSON: whitespace may be anywhere', post('/v3/kv/range', ' {\n"key" :\t"bm90IHRoZXJl"\r\n} ', ok('r'))),
  rule('JSON: letters may be escaped', post('/v3/kv/range', '{"\\u006bey":"bm90IHRoZXJ\\u006c"}', ok('r'))),
  rule('JSON: the query of a path is not looked at', post('/v3/kv/range?limit=x', { key: b('~a') }, ok('r'))),
  rule(
    'JSON: the kind of a body is not looked at',
    post('/v3/kv/range', { key: b('~a') }, ok('r'), { 'content-type': 'text/plain' }),
  ),
  rule(
    'JSON: numbers of 64 bits keep every digit',
    post('/v3/lease/grant', '{"TTL":600,"ID":9007199254740993}', ok('r', { ID: '9007199254740993', TTL: '600' })),
    post('/v3/lease/revoke', { ID: '9007199254740993' }, ok('r')),
  ),
  rule(
    'JSON: a negative id',
    post('/v3/lease/grant', { TTL: 600, ID: '-9007199254740993' }, ok('r', { ID: '-9007199254740993', TTL: '600' })),
    post('/v3/lease/revoke', { ID: -9007199254740993 }, answers(404)),
    post('/v3/lease/revoke', { ID: '-9007199254740993' }, ok('r')),
  ),
  ...(
    [
      ['a number that is too large', '{"key":"YQ==","limit":"9223372036854775808"}'],
      ['a number that is too large, without quotes', '{"key":"YQ==","limit":9223372036854775808}'],
      ['a number with a fraction', '{"key":"YQ==","limit":1.5}'],
      ['a list in place of a number', '{"key":"YQ==","limit":[1]}'],
      ['an object in place of bytes', '{"key":{}}'],
      ['a number in place of bytes', '{"key":1}'],
      ['a number in place of true or false', '{"key":"YQ==","serializable":1}'],
      ['a text in place of true or false', '{"key":"YQ==","serializable":"true"}'],
      ['an object in place of a list', '{"compare":{}}'],
      ['a list in place of the message', '[]'],
      ['a text in place of the message', '"x"'],
      ['a number in place of the message', '1'],
      ['a message that ends too early', '{"key":"YQ=="'],
      ['a comma too many', '{"key":"YQ==",}'],
      ['single quotes', "{'key':'YQ=='}"],
    ] as const
  ).map(([name, body]) =>
    rule(
      `JSON: refused as no such message: ${name}`,
      post(name.includes('of a list') ? '/v3/kv/txn' : '/v3/kv/range', body, answers(400, jsonWith())),
    ),
  ),
  rule(
    'JSON: an enum of no such name is not looked at',
    post(
      '/v3/kv/range',
      '{"key":"bm90IHRoZXJl","sort_order":"SIDEWAYS"}',
      since('3.6', ok('r'), { before: answers(400, jsonWith()) }),
    ),
  ),
  rule(
    'JSON: an id that may not be negative',
    post('/v3/cluster/member/remove', '{"ID":"-1"}', answers(400, jsonWith())),
  ),
  rule(
    'JSON: bytes in the alphabet of addresses, and without their end',
    puts('~a=1'),
    post('/v3/kv/range', '{"key":"_-8"}', since('3.6', ok('r+1'), { before: answers(400, jsonWith()) })),
  ),
  rule('JSON: what is no JSON is refused', post('/v3/kv/range', '{', answers(400, jsonWith()))),
  rule('JSON: bytes that are no base64 are refused', post('/v3/kv/range', '{"key":"%%%"}', answers(400, jsonWith()))),
  rule(
    'JSON: a text in place of a number is refused',
    post('/v3/kv/range', '{"key":"YQ==","limit":"x"}', answers(400, jsonWith())),
  ),

  // --- Leases -------------------------------------------------------------------------------------------------------
  rule('JSON: a lease', GRANTED),
  rule(
    'JSON: the time of a lease',
    GRANTED,
    post('/v3/lease/timetolive', { ID: n('$lease') }, ok('r', { ID: n('$lease'), TTL: ALMOST_600, grantedTTL: '600' })),
  ),
  rule(
    'JSON: the time of a lease, at its other address',
    GRANTED,
    post(
      '/v3/kv/lease/timetolive',
      { ID: n('$lease') },
      ok('r', { ID: n('$lease'), TTL: ALMOST_600, grantedTTL: '600' }),
    ),
  ),
  rule(
    'JSON: the keys of a lease',
    GRANTED,
    post('/v3/kv/put', { key: b('~a'), lease: n('$lease') }, ok('r+1')),
    post(
      '/v3/lease/timetolive',
      { ID: n('$lease'), keys: true },
      ok('r+1', { ID: n('$lease'), TTL: ALMOST_600, grantedTTL: '600', keys: [b('~a')] }),
    ),
  ),
  rule(
    'JSON: the time of no lease is -1',
    post('/v3/lease/timetolive', { ID: '77' }, ok('r', { ID: '77', TTL: '-1' })),
  ),
  rule('JSON: the end of a lease', GRANTED, post('/v3/lease/revoke', { ID: n('$lease') }, ok('r'))),
  rule(
    'JSON: the end of a lease, at its other address',
    GRANTED,
    post('/v3/kv/lease/revoke', { ID: n('$lease') }, ok('r')),
  ),
  rule(
    'JSON: a lease is kept alive',
    GRANTED,
    kept.open({ ID: n('$lease') }),
    kept.receive(gives({ ID: n('$lease'), TTL: '600' })),
  ),
  rule('JSON: a lease that is not there is told no time', kept.open({ ID: '77' }), kept.receive(gives({ ID: '77' }))),

  // --- Watches ------------------------------------------------------------------------------------------------------
  rule(
    'JSON: a watch is created',
    watched.open({ create_request: { key: b('~a') } }),
    watched.receive(at('r', { created: true })),
  ),
  rule(
    'JSON: a watch tells events, one message a line',
    watched.open({ create_request: { key: b('~a') } }),
    watched.receive(at('r', { created: true })),
    puts('~a=1'),
    watched.receive(at('r+1', { events: [{ kv: pair('~a', '1', 'r+1') }] })),
    puts('~a=2'),
    watched.receive(at('r+2', { events: [{ kv: pair('~a', '2', ['r+1', 'r+2', 2]) }] })),
  ),
  rule(
    'JSON: a watch of the past',
    puts('~a=1'),
    watched.open({ create_request: { key: b('~a'), start_revision: n('r+1') } }),
    watched.receive(at('r+1', { created: true })),
    watched.receive(at('r+1', { events: [{ kv: pair('~a', '1', 'r+1') }] })),
  ),
  rule(
    'JSON: a watch that is refused',
    watched.open({ create_request: { key: b('~b'), range_end: b('~a') } }),
    watched.receive(
      at('r', { watch_id: '-1', created: true, canceled: true, cancel_reason: 'mvcc: watcher range is empty' }),
    ),
  ),

  // --- The rest -----------------------------------------------------------------------------------------------------
  rule(
    'JSON: the status',
    post(
      '/v3/maintenance/status',
      {},
      answers(200, jsonWith('version', 'dbSize', 'leader', 'raftIndex', 'raftTerm', 'raftAppliedIndex', 'dbSizeInUse')),
    ),
  ),
  rule('JSON: a hash', post('/v3/maintenance/hash', {}, answers(200, jsonWith('hash')))),
  rule(
    'JSON: alarms',
    post('/v3/maintenance/alarm', { action: 'GET' }, since('3.5', ok('r'), { before: answers(200, {}) })),
  ),
  rule('JSON: defragmentation', post('/v3/maintenance/defragment', {}, answers(200, {}))),
  rule(
    'JSON: a lock',
    GRANTED,
    post('/v3/lock/lock', { name: b('~l'), lease: n('$lease') }, ok('r+1', { key: b('~l/{$lease}') })),
    post('/v3/lock/unlock', { key: b('~l/{$lease}') }, ok('r+2')),
  ),
  rule(
    'JSON: an election',
    GRANTED,
    post(
      '/v3/election/campaign',
      { name: b('~e'), lease: n('$lease'), value: b('v') },
      ok('r+1', { leader: { name: b('~e'), key: b('~e/{$lease}'), rev: n('r+1'), lease: n('$lease') } }),
    ),
    post(
      '/v3/election/leader',
      { name: b('~e') },
      ok('r+1', { kv: pair('~e/{$lease}', 'v', 'r+1', { lease: n('$lease') }) }),
    ),
    post(
      '/v3/election/resign',
      { leader: { name: b('~e'), key: b('~e/{$lease}'), rev: n('r+1'), lease: n('$lease') } },
      ok('r+2'),
    ),
  ),
  rule(
    'JSON: the beta paths still lead there',
    puts('~a=1'),
    post('/v3beta/kv/range', { key: b('~a') }, ok('r+1', { kvs: [pair('~a', '1', 'r+1')], count: '1' })),
  ),
  rule('JSON: leases', GRANTED, post('/v3/lease/leases', {}, answers(200, jsonWith('leases')))),
  rule(
    'JSON: leases, at their other address',
    GRANTED,
    post('/v3/kv/lease/leases', {}, answers(200, jsonWith('leases'))),
  ),
  rule(
    'JSON: who leads is observed',
    GRANTED,
    post('/v3/election/campaign', { name: b('~e'), lease: n('$lease'), value: b('v') }, answers(200, anything, 'r+1')),
    observed.open({ name: b('~e') }),
    observed.receive(gives({ kv: pair('~e/{$lease}', 'v', 'r+1', { lease: n('$lease') }) })),
  ),
  rule(
    'JSON: a snapshot',
    snapshot.open({}),
    snapshot.receive(
      onPurpose('snapshots-tell-their-revision', {
        etcd: bare(jsonWith('blob')),
        conclave: gives(jsonWith('blob')),
      }),
    ),
  ),
  rule(
    'JSON: a watch that is compacted',
    puts('~a=1', '~a=2'),
    post('/v3/kv/compaction', { revision: n('r+2') }, ok('r+2')),
    watched.open({ create_request: { key: b('~a'), start_revision: n('r+1') } }),
    watched.receive(at('r+2', { created: true })),
    watched.receive(at(0, { canceled: true, compact_revision: n('r+2') })),
  ),
  rule(
    'JSON: a watch of what has filters, and tells the pair before',
    puts('~a=1'),
    watched.open({ create_request: { key: b('~a'), prev_kv: true, filters: ['NOPUT'] } }),
    watched.receive(at('r+1', { created: true })),
    puts('~a=2'),
    post('/v3/kv/deleterange', { key: b('~a') }, ok('r+3', { deleted: '1' })),
    watched.receive(
      at('r+3', {
        events: [
          {
            type: 'DELETE',
            kv: { key: b('~a'), mod_revision: n('r+3') },
            prev_kv: pair('~a', '2', ['r+1', 'r+2', 2]),
          },
        ],
      }),
    ),
  ),
  rule('JSON: the alpha paths do not', post('/v3alpha/kv/range', { key: b('~a') }, answers(404))),

  introduced(
    '3.5.22 3.6',
    rule(
      'JSON: a hash of the keys',
      puts('~a=1'),
      post('/v3/maintenance/hashkv', {}, answers(200, jsonWith('hash', 'compact_revision'))),
    ),
  ),

  // --- Refusals -----------------------------------------------------------------------------------------------------
  REFUSALS.map(refused),
  // Of several, one that does not lead says so.
  where(
    'one',
    refused(['/v3/maintenance/transfer-leadership', { targetID: '1' }, etcd(412, 9, 'bad leader transferee')]),
  ),
  on('members', MEMBER_REFUSALS.map(refused)),
  PATHS.map((path) => rule(`JSON: not asked by GET: ${path}`, http(`GET ${path}`, undefined, NOT_POST))),
  rule(
    'JSON: refused: a lease that is there',
    GRANTED,
    post('/v3/lease/grant', { TTL: 600, ID: n('$lease') }, etcd(412, 9, 'lease already exists')),
  ),
  rule(
    'JSON: refused: what is too large',
    post('/v3/kv/put', { key: b('~a'), value: b('x'.repeat(1_600_000)) }, etcd(400, 3, 'request is too large')),
  ),
  rule(
    'JSON: refused: a revision that was compacted',
    puts('~a=1', '~a=2'),
    post('/v3/kv/compaction', { revision: n('r+2') }, ok('r+2')),
    post(
      '/v3/kv/range',
      { key: b('~a'), revision: n('r+1') },
      etcd(400, 11, 'mvcc: required revision has been compacted'),
    ),
    post('/v3/kv/compaction', { revision: n('r+2') }, etcd(400, 11, 'mvcc: required revision has been compacted')),
  ),
  rule(
    'JSON: refused: a key put twice',
    post(
      '/v3/kv/txn',
      { success: [{ request_put: { key: b('~a') } }, { request_put: { key: b('~a') } }] },
      etcd(400, 3, 'duplicate key given in txn request'),
    ),
  ),
  on(
    'quota',
    (
      [
        ['NOSPACE', etcd(429, 8, 'mvcc: database space exceeded')],
        ['CORRUPT', etcd(500, 15, 'corrupt cluster')],
      ] as const
    ).map(([alarm, refusal]) =>
      rule(
        `JSON: refused: a put during ${alarm}`,
        post('/v3/maintenance/alarm', { action: 'ACTIVATE', alarm, memberID: '77' }, answers(200)),
        post('/v3/kv/put', { key: b('~a') }, refusal),
        post('/v3/maintenance/alarm', {}, alarmed(alarm)),
        post('/v3/maintenance/alarm', { action: 'DEACTIVATE', alarm, memberID: '77' }, alarmed(alarm)),
      ),
    ),
  ),
  rule('JSON: a path that does not exist', post('/v3/kv/nonsense', {}, NOT_THERE)),

  // --- Authentication -----------------------------------------------------------------------------------------------
  on(
    'auth',
    rule(
      'JSON: with a token of a bearer',
      ENABLED,
      post('/v3/kv/range', { key: b('~a') }, since('3.5', ok('r'), { before: answers(401) }), {
        authorization: 'Bearer {@root}',
      }),
    ),
    rule(
      'JSON: a stream without a token',
      ENABLED,
      watched.open({ create_request: { key: b('~a') } }),
      watched.receive(
        gives({
          ...{ watch_id: '-1', created: true, canceled: true },
          cancel_reason: 'rpc error: code = InvalidArgument desc = etcdserver: user name is empty',
        }),
      ),
    ),
    introduced(
      '3.5',
      rule('JSON: whether users are asked for', post('/v3/auth/status', {}, answers(200, jsonWith('authRevision')))),
    ),
    rule('JSON: without a token', ENABLED, post('/v3/kv/range', { key: b('~a') }, etcd(400, 3, 'user name is empty'))),
    rule(
      'JSON: with a token that is none',
      ENABLED,
      post('/v3/kv/range', { key: b('~a') }, etcd(401, 16, 'invalid auth token'), { authorization: 'x' }),
    ),
    rule('JSON: with a token', ENABLED, post('/v3/kv/range', { key: b('~a') }, ok('r'), { authorization: '{@root}' })),
    rule(
      'JSON: a login',
      ENABLED,
      post(
        '/v3/auth/authenticate',
        { name: 'root', password: 'root-password' },
        ok('r', { token: like(/^[A-Za-z]{16}\.\d+$/) }),
      ),
    ),
    rule(
      'JSON: a login with a wrong password',
      ENABLED,
      post(
        '/v3/auth/authenticate',
        { name: 'root', password: 'x' },
        etcd(400, 3, 'authentication failed, invalid user ID or password'),
      ),
    ),
    rule(
      'JSON: what a user may not do',
      userAdd('a'),
      ENABLED,
      login('a'),
      post('/v3/kv/range', { key: b('~a') }, etcd(403, 7, 'permission denied'), { authorization: '{@a}' }),
    ),
    rule(
      'JSON: users and roles',
      auth('RoleAdd', { name: 'r' }),
      userAdd('a'),
      post('/v3/auth/user/list', {}, ok('r', { users: ['a'] })),
      post('/v3/auth/role/list', {}, ok('r', { roles: ['r'] })),
    ),
    rule(
      'JSON: a permission',
      auth('RoleAdd', { name: 'r' }),
      post(
        '/v3/auth/role/grant',
        { name: 'r', perm: { permType: 'READWRITE', key: b('k'), range_end: b('l') } },
        ok('r'),
      ),
      post(
        '/v3/auth/role/get',
        { role: 'r' },
        ok('r', { perm: [{ permType: 'READWRITE', key: b('k'), range_end: b('l') }] }),
      ),
    ),
  ),
);
