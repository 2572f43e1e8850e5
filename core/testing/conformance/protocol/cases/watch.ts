import {
  ALL,
  at,
  compact,
  deleteRange,
  INT64_MAX,
  INT64_MIN,
  kv,
  leaseGrant,
  leaseRevoke,
  onPurpose,
  op,
  put,
  puts,
  rule,
  since,
  stream,
  topic,
  txn,
  wasDeleted,
  wasPut,
} from '../notation.js';
import type { Expected, Fields, Int, Outcome, Step } from '../rule.js';

const watch = stream('Watch/Watch');
const again = stream('Watch/Watch', 'Watch/Watch again');
const create = (request: Fields = ALL) => watch.send({ createRequest: request });
const cancel = (watchId: Int) => watch.send({ cancelRequest: { watchId } });
const progress = () => watch.send({ progressRequest: {} });
const receive = (expects: Expected<Outcome>) => watch.receive(expects);
const created = (revision: Int = 'r', more: Fields = {}) => receive(at(revision, { created: true, ...more }));
/** Creates one, and takes the answer. */
const watching = (request: Fields = ALL, revision: Int = 'r'): Step[] => [create(request), created(revision)];
const refused = (cancelReason: string, revision: Int = 'r') =>
  at(revision, { watchId: -1, created: true, canceled: true, cancelReason });

const EMPTY = 'mvcc: watcher range is empty';
const DUPLICATE = 'mvcc: duplicate watch ID provided on the WatchStream';
const COMPACTED = 'etcdserver: mvcc: required revision has been compacted';

const a1 = kv('~a', '1', 'r+1');
const a2 = kv('~a', '2', ['r+1', 'r+2', 2]);

// --- Ranges: what a watch of them hears of puts of a, b and c -----------------------------------------------------

const RANGES: readonly [string, Fields, string][] = [
  ['one key', { key: '~b' }, 'b'],
  ['a key that others begin with', { key: '~' }, ''],
  ['from a key to before another', { key: '~a', rangeEnd: '~c' }, 'ab'],
  ['a prefix', { ...ALL }, 'abc'],
  ['from a key on', { key: '~b', rangeEnd: '\0' }, 'bc'],
  ['everything', { key: '\0', rangeEnd: '\0' }, 'abc'],
  ['everything, said with an empty key', { rangeEnd: '\0' }, 'abc'],
  ['a begin that is no key', { key: '~aa', rangeEnd: '~b\0' }, 'b'],
];

const EMPTY_RANGES: readonly [string, Fields][] = [
  ['its end is its key', { key: '~b', rangeEnd: '~b' }],
  ['its end is before its key', { key: '~c', rangeEnd: '~a' }],
  ['its end is the beginning of its key', { key: '~ab', rangeEnd: '~a' }],
];

// --- Begins: what a watch hears of a=1 at r+1, a=2 at r+2 and a=3 at r+3, when the last comes after it began ------

const BEGINS: readonly [string, Int, string][] = [
  ['now, if it says none', 0, '3'],
  ['the next revision', 'r+3', '3'],
  ['the present revision', 'r+2', '23'],
  ['a past revision', 'r+1', '123'],
  ['the revision at which the key was not there yet', 'r', '123'],
];
const VALUES: Readonly<Record<string, Fields>> = {
  '1': wasPut(a1),
  '2': wasPut(a2),
  '3': wasPut(kv('~a', '3', ['r+1', 'r+3', 3])),
};

// --- Filters: of a put at r+1 and a deletion at r+2 ---------------------------------------------------------------

const FILTERS: readonly [string, readonly string[], readonly Fields[]][] = [
  ['none', [], [wasPut(a1), wasDeleted('~a', 'r+2')]],
  ['puts', ['NOPUT'], [wasDeleted('~a', 'r+2')]],
  ['deletions', ['NODELETE'], [wasPut(a1)]],
  ['puts twice', ['NOPUT', 'NOPUT'], [wasDeleted('~a', 'r+2')]],
  ['both', ['NOPUT', 'NODELETE'], []],
];

/** A second watch, whose first event shows that the one before had nothing to tell. */
const ANOTHER_HEARS: readonly Step[] = [
  create({ key: '~z' }),
  created('r+2', { watchId: 1 }),
  ...puts('~z=1'),
  receive(at('r+3', { watchId: 1, events: [wasPut(kv('~z', '1', 'r+3'))] })),
];

export const watches = topic(
  'Watch',
  // --- Creation -----------------------------------------------------------------------------------------------------
  rule('a watch is created with the id 0 and tells the revision', watching()),
  rule(
    'ids count up from 0 on a stream',
    watching(),
    create({ key: '~a' }),
    created('r', { watchId: 1 }),
    create({ key: '~a' }),
    created('r', { watchId: 2 }),
  ),
  rule('every stream counts for itself', watching(), [
    stream('Watch/Watch', 'Watch/Watch other').send({ createRequest: ALL }),
    stream('Watch/Watch', 'Watch/Watch other').receive(at('r', { created: true })),
  ]),
  rule('an id of a client is taken', create({ ...ALL, watchId: 7 }), created('r', { watchId: 7 })),
  rule('a negative id is taken', create({ ...ALL, watchId: -7 }), created('r', { watchId: -7 })),
  rule('the largest id is taken', create({ ...ALL, watchId: INT64_MAX }), created('r', { watchId: INT64_MAX })),
  rule(
    'an id that is taken is refused, and the stream goes on',
    create({ ...ALL, watchId: 7 }),
    created('r', { watchId: 7 }),
    create({ key: '~a', watchId: 7 }),
    receive(refused(DUPLICATE)),
    puts('~a=1'),
    receive(at('r+1', { watchId: 7, events: [wasPut(a1)] })),
  ),
  rule(
    'an id that the server gave is refused to a client',
    watching(),
    create({ key: '~a' }),
    created('r', { watchId: 1 }),
    create({ key: '~a', watchId: 1 }),
    receive(refused(DUPLICATE)),
  ),
  rule(
    'the server gives no id that a client took',
    create({ ...ALL, watchId: 1 }),
    created('r', { watchId: 1 }),
    create({ key: '~a' }),
    created('r'),
    create({ key: '~a' }),
    created('r', { watchId: 2 }),
  ),
  rule(
    'an id is free again after its watch was cancelled',
    create({ ...ALL, watchId: 7 }),
    created('r', { watchId: 7 }),
    cancel(7),
    receive(at('r', { watchId: 7, canceled: true })),
    create({ key: '~a', watchId: 7 }),
    created('r', { watchId: 7 }),
  ),
  RANGES.map(([name, request, keys]) =>
    rule(
      `a watch of ${name} hears ${keys || 'nothing'}`,
      watching(request),
      puts('~a=1', '~b=2', '~c=3'),
      keys === ''
        ? [create({ key: '~z' }), created('r+3', { watchId: 1 })]
        : watch.events(
            ...[...keys].map((key) => {
              const place = 'abc'.indexOf(key) + 1;
              return wasPut(kv(`~${key}`, String(place), `r+${place}`));
            }),
          ),
    ),
  ),
  EMPTY_RANGES.map(([name, request]) =>
    rule(`a watch of an empty range is refused: ${name}`, create(request), receive(refused(EMPTY)), watching()),
  ),

  // --- Where it begins ----------------------------------------------------------------------------------------------
  BEGINS.map(([name, startRevision, values]) =>
    rule(
      `a watch from ${name} hears ${values}`,
      puts('~a=1', '~a=2'),
      watching({ key: '~a', startRevision }, 'r+2'),
      puts('~a=3'),
      watch.events(...[...values].map((value) => VALUES[value] as Fields)),
    ),
  ),
  rule(
    'a watch from a revision to come is silent until then',
    watching({ key: '~a', startRevision: 'r+3' }),
    puts('~a=1', '~a=2', '~a=3'),
    watch.events(VALUES['3'] as Fields),
  ),
  rule(
    'what is heard of the past comes with the present revision',
    puts('~a=1', '~a=2'),
    watching({ key: '~a', startRevision: 'r+1' }, 'r+2'),
    receive(at('r+2', { events: [wasPut(a1), wasPut(a2)] })),
  ),
  ...[-1, INT64_MIN].map((startRevision) =>
    rule(
      `a watch from a negative revision is refused: ${startRevision}`,
      puts('~a=1'),
      compact({ revision: 'r+1' }),
      create({ key: '~a', startRevision }),
      receive(since('3.4.38 3.5.24 3.6.6', refused(COMPACTED, 'r+1'), { before: at('r+1', { created: true }) })),
    ),
  ),
  ...['r+1', 1].map((startRevision) =>
    rule(
      `a watch from a compacted revision is created, and cancelled: ${startRevision}`,
      puts('~a=1', '~a=2', '~a=3'),
      compact({ revision: 'r+3' }),
      watching({ key: '~a', startRevision }, 'r+3'),
      receive(at(0, { canceled: true, compactRevision: 'r+3' })),
      create({ key: '~a' }),
      created('r+3', { watchId: 1 }),
    ),
  ),
  rule(
    'a watch from the very revision of a compaction hears it',
    puts('~a=1', '~a=2', '~a=3'),
    compact({ revision: 'r+2' }),
    watching({ key: '~a', startRevision: 'r+2' }, 'r+3'),
    watch.events(VALUES['2'] as Fields, VALUES['3'] as Fields),
  ),
  rule(
    'a compaction does not touch a watch of the present',
    watching({ key: '~a' }),
    puts('~a=1', '~a=2'),
    watch.events(wasPut(a1), wasPut(a2)),
    compact({ revision: 'r+2', physical: true }),
    puts('~a=3'),
    watch.events(VALUES['3'] as Fields),
  ),

  // --- Events -------------------------------------------------------------------------------------------------------
  rule(
    'an event comes with its revision',
    watching({ key: '~a' }),
    puts('~a=1'),
    receive(at('r+1', { events: [wasPut(a1)] })),
  ),
  rule(
    'a deletion tells its key and its revision alone',
    puts('~a=1'),
    watching({ key: '~a' }, 'r+1'),
    deleteRange({ key: '~a' }),
    receive(at('r+2', { events: [wasDeleted('~a', 'r+2')] })),
  ),
  rule(
    'a deletion of nothing is not heard',
    watching(),
    deleteRange({ key: '~a' }),
    puts('~a=1'),
    receive(at('r+1', { events: [wasPut(a1)] })),
  ),
  rule(
    'a put tells its lease',
    leaseGrant({ TTL: 600, ID: '$lease' }),
    watching(),
    put({ key: '~a', value: '1', lease: '$lease' }),
    receive(at('r+1', { events: [wasPut(kv('~a', '1', 'r+1', { lease: '$lease' }))] })),
  ),
  rule(
    'the events of a transaction come together, in its order',
    watching(),
    txn({ success: [op.put({ key: '~b', value: '1' }), op.put({ key: '~a', value: '2' })] }),
    receive(at('r+1', { events: [wasPut(kv('~b', '1', 'r+1')), wasPut(kv('~a', '2', 'r+1'))] })),
  ),
  rule(
    'a transaction within is heard in its place',
    watching(),
    txn({
      success: [
        op.put({ key: '~c', value: '1' }),
        op.txn({ success: [op.put({ key: '~b', value: '2' })] }),
        op.put({ key: '~a', value: '3' }),
      ],
    }),
    receive(
      at('r+1', { events: [wasPut(kv('~c', '1', 'r+1')), wasPut(kv('~b', '2', 'r+1')), wasPut(kv('~a', '3', 'r+1'))] }),
    ),
  ),
  rule(
    'a deletion of a range is heard in the order of keys',
    puts('~b=1', '~a=2'),
    watching(ALL, 'r+2'),
    deleteRange({ ...ALL }),
    receive(at('r+3', { events: [wasDeleted('~a', 'r+3'), wasDeleted('~b', 'r+3')] })),
  ),
  rule(
    'the end of a lease is heard as deletions in the order of keys',
    leaseGrant({ TTL: 600, ID: '$lease' }),
    ['~b', '~a'].map((key) => put({ key, lease: '$lease' })),
    watching(ALL, 'r+2'),
    leaseRevoke({ ID: '$lease' }),
    receive(at('r+3', { events: [wasDeleted('~a', 'r+3'), wasDeleted('~b', 'r+3')] })),
  ),
  rule(
    'every watch of a stream hears for itself',
    watching({ key: '~a' }),
    create({ key: '~b' }),
    created('r', { watchId: 1 }),
    puts('~b=1'),
    receive(at('r+1', { watchId: 1, events: [wasPut(kv('~b', '1', 'r+1'))] })),
    puts('~a=1'),
    receive(at('r+2', { events: [wasPut(kv('~a', '1', 'r+2'))] })),
  ),

  // --- Filters ------------------------------------------------------------------------------------------------------
  FILTERS.flatMap(([name, filters, events]) => [
    rule(
      `filtered: a watch without ${name}`,
      watching({ key: '~a', filters }),
      puts('~a=1'),
      deleteRange({ key: '~a' }),
      events.length > 0 ? watch.events(...events) : ANOTHER_HEARS,
    ),
    rule(
      `filtered: a watch of the past without ${name}`,
      puts('~a=1'),
      deleteRange({ key: '~a' }),
      watching({ key: '~a', filters, startRevision: 'r+1' }, 'r+2'),
      events.length > 0 ? watch.events(...events) : ANOTHER_HEARS,
    ),
  ]),
  rule(
    'filtered: of a transaction, what is left',
    puts('~a=1'),
    watching({ ...ALL, filters: ['NOPUT'] }, 'r+1'),
    txn({ success: [op.put({ key: '~b' }), op.delete({ key: '~a' })] }),
    receive(at('r+2', { events: [wasDeleted('~a', 'r+2')] })),
  ),
  rule(
    'filtered: a filter that does not exist is none',
    watching({ key: '~a', filters: [9] }),
    puts('~a=1'),
    watch.events(wasPut(a1)),
  ),

  // --- The pair before ----------------------------------------------------------------------------------------------
  rule(
    'the pair before is told with a put, if there was one',
    watching({ key: '~a', prevKv: true }),
    puts('~a=1', '~a=2'),
    watch.events(wasPut(a1), wasPut(a2, a1)),
  ),
  rule(
    'the pair before is told with a deletion',
    puts('~a=1'),
    watching({ key: '~a', prevKv: true }, 'r+1'),
    deleteRange({ key: '~a' }),
    watch.events(wasDeleted('~a', 'r+2', a1)),
  ),
  rule(
    'the pair before is told of the past',
    puts('~a=1', '~a=2'),
    deleteRange({ key: '~a' }),
    watching({ key: '~a', prevKv: true, startRevision: 'r+2' }, 'r+3'),
    watch.events(wasPut(a2, a1), wasDeleted('~a', 'r+3', a2)),
  ),
  rule(
    'the pair before is left out where it was compacted',
    puts('~a=1', '~a=2'),
    compact({ revision: 'r+2', physical: true }),
    watching({ key: '~a', prevKv: true, startRevision: 'r+2' }, 'r+2'),
    watch.events(wasPut(a2)),
  ),
  rule(
    'the pair before is the one before the whole transaction',
    puts('~a=1'),
    watching({ key: '~a', prevKv: true }, 'r+1'),
    txn({ success: [op.put({ key: '~b' }), op.put({ key: '~a', value: '2' })] }),
    watch.events(wasPut(a2, a1)),
  ),
  rule(
    'a watch that asks for it and one that does not have a stream in common',
    watching({ key: '~a' }),
    create({ key: '~a', prevKv: true }),
    created('r', { watchId: 1 }),
    cancel(0),
    receive(at('r', { canceled: true })),
    puts('~a=1', '~a=2'),
    watch.events(wasPut(a1), wasPut(a2, a1)),
  ),

  // --- Cancelling ---------------------------------------------------------------------------------------------------
  rule('a watch that is cancelled says so', watching(), cancel(0), receive(at('r', { canceled: true }))),
  rule(
    'a watch that was cancelled hears nothing more',
    watching({ key: '~a' }),
    cancel(0),
    receive(at('r', { canceled: true })),
    puts('~a=1', '~z=1'),
    ANOTHER_HEARS_AFTER(),
  ),
  rule(
    'cancelling a watch that is not there is not answered',
    watching(),
    cancel(7),
    cancel(-1),
    create({ key: '~a' }),
    created('r', { watchId: 1 }),
  ),
  rule(
    'cancelling twice is answered once',
    watching(),
    cancel(0),
    receive(at('r', { canceled: true })),
    cancel(0),
    create({ key: '~a' }),
    created('r', { watchId: 1 }),
  ),
  rule('a request of nothing is not answered', watch.send({}), watching()),

  // --- Progress -----------------------------------------------------------------------------------------------------
  rule(
    'progress is not told of a stream without watches',
    progress(),
    watch.send({ createRequest: { key: '~a' } }),
    receive(since('3.4.25 3.5.8', at('r', { created: true }), { before: at('r', { watchId: -1 }) })),
  ),
  rule(
    'progress is not told once the only watch was cancelled',
    watching(),
    cancel(0),
    receive(at('r', { canceled: true })),
    progress(),
    watch.send({ createRequest: { key: '~a' } }),
    receive(since('3.4.25 3.5.8', at('r', { watchId: 1, created: true }), { before: at('r', { watchId: -1 }) })),
  ),
  rule('progress is told for the whole stream', watching(), progress(), receive(at('r', { watchId: -1 }))),
  rule(
    'progress tells the present revision, of whatever keys it came',
    watching({ key: '~a' }),
    puts('~z=1', '~z=2'),
    progress(),
    receive(at('r+2', { watchId: -1 })),
  ),
  rule(
    'progress comes after the events that it covers',
    watching({ key: '~a' }),
    puts('~a=1'),
    receive(at('r+1', { events: [wasPut(a1)] })),
    progress(),
    receive(at('r+1', { watchId: -1 })),
  ),
  rule(
    'progress is told as often as it is asked for',
    watching(),
    progress(),
    receive(at('r', { watchId: -1 })),
    progress(),
    receive(at('r', { watchId: -1 })),
  ),
  rule(
    'progress is not told while a watch waits for a revision to come',
    watching({ key: '~a', startRevision: 'r+5' }),
    progress(),
    create({ key: '~b' }),
    receive(since('3.4.38 3.5.22 3.6.2', at('r', { watchId: 1, created: true }), { before: at('r', { watchId: -1 }) })),
  ),

  // --- Fragments ----------------------------------------------------------------------------------------------------
  rule(
    'small events are no fragments, for those who take them too',
    watching({ key: '~a', fragment: true }),
    puts('~a=1'),
    receive(at('r+1', { events: [wasPut(a1)] })),
  ),
  rule(
    'what is larger than a message comes in fragments, to those who take them',
    ['~a', '~b', '~c'].map((key) => put({ key, value: 'x'.repeat(1_000_000) })),
    watching({ ...ALL, fragment: true, startRevision: 'r+1' }, 'r+3'),
    receive(
      onPurpose('messages-of-a-watch-end-with-a-revision', {
        etcd: at('r+3', { fragment: true, events: [big('~a', 'r+1'), big('~b', 'r+2')] }),
        conclave: at('r+2', { events: [big('~a', 'r+1'), big('~b', 'r+2')] }),
      }),
    ),
  ),
  rule(
    'a revision that is larger than a message comes in fragments, to those who take them',
    watching({ ...ALL, fragment: true }),
    put({ key: '~a', value: 'x'.repeat(1_000_000) }),
    put({ key: '~b', value: 'x'.repeat(1_000_000) }),
    put({ key: '~c', value: 'x'.repeat(1_000_000) }),
    watch.events(big('~a', 'r+1'), big('~b', 'r+2'), big('~c', 'r+3')),
    deleteRange({ ...ALL }),
    receive(at('r+4', { events: ['~a', '~b', '~c'].map((key) => wasDeleted(key, 'r+4')) })),
    watch.cancel(),
    again.send({ createRequest: { ...ALL, fragment: true, prevKv: true, startRevision: 'r+4' } }),
    again.receive(at('r+4', { created: true })),
    again.receive(at('r+4', { fragment: true, events: [gone('~a', 'r+1'), gone('~b', 'r+2')] })),
    again.receive(at('r+4', { events: [gone('~c', 'r+3')] })),
  ),
  rule(
    'a revision that is larger than a message comes whole, to those who take no fragments',
    ['~a', '~b', '~c'].map((key) => put({ key, value: 'x'.repeat(1_000_000) })),
    deleteRange({ ...ALL }),
    watching({ ...ALL, prevKv: true, startRevision: 'r+4' }, 'r+4'),
    receive(at('r+4', { events: [gone('~a', 'r+1'), gone('~b', 'r+2'), gone('~c', 'r+3')] })),
  ),

  // --- Ends ---------------------------------------------------------------------------------------------------------
  rule(
    'a stream goes on after its requests have ended',
    watching({ key: '~a' }),
    watch.end(),
    puts('~a=1'),
    watch.events(wasPut(a1)),
  ),
  rule(
    'a stream of a client that wants a leader goes on while there is one',
    watch.open({}, { hasleader: 'true' }),
    watching(),
    puts('~a=1'),
    watch.events(wasPut(a1)),
  ),
);

function ANOTHER_HEARS_AFTER(): Step[] {
  return [
    create({ key: '~z' }),
    created('r+2', { watchId: 1 }),
    ...puts('~z=2'),
    receive(at('r+3', { watchId: 1, events: [wasPut(kv('~z', '2', ['r+2', 'r+3', 2]))] })),
  ];
}

function gone(key: string, revision: Int): Fields {
  return wasDeleted(key, 'r+4', kv(key, 'x'.repeat(1_000_000), revision));
}

function big(key: string, revision: Int): Fields {
  return wasPut(kv(key, 'x'.repeat(1_000_000), revision));
}
