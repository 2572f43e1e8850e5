import {
  ALL,
  anything,
  bare,
  ENDED,
  fails,
  INT64_MAX,
  introduced,
  kv,
  puts,
  rule,
  stream,
  topic,
  txn,
  op,
} from '../notation.js';
import type { Fields, Int } from '../rule.js';
import { BAD_SORT, FUTURE, NO_KEY } from './wire-errors.js';

const chunks = stream('KV/RangeStream');
/** The last chunk tells the header, how many there are, and whether there are more. */
const last = (revision: Int, rangeResponse: Fields) =>
  chunks.receive({
    kind: 'answer',
    hasNoHeader: true,
    message: {
      rangeResponse: {
        header: { clusterId: anything, memberId: anything, raftTerm: anything, revision },
        ...rangeResponse,
      },
    },
  });
const first = (kvs: readonly Fields[]) => chunks.receive(bare({ rangeResponse: { kvs } }));

const letters = (count: number) => Array.from({ length: count }, (_, i) => `~${String.fromCharCode(97 + i)}`);
const filled = (count: number) => txn({ success: letters(count).map((key) => op.put({ key, value: '1' })) });
const kvs = (count: number, from = 0) =>
  letters(count)
    .slice(from)
    .map((key) => kv(key, '1', 'r+1'));
const refused = (name: string, request: Fields, refusal: ReturnType<typeof fails>) =>
  rule(`a stream of a range is refused: ${name}`, chunks.open(request), chunks.receive(refusal));
const NO_ORDER = fails('UNIMPLEMENTED', 'RangeStream does not support custom sort orders');
const NO_FILTER = fails('UNIMPLEMENTED', 'RangeStream does not support revision filters');

/** Source of what is expected: etcd v3.7.1, `server/etcdserver/v3_server.go` and `api/v3rpc/key.go`. */
export const rangeStream = topic(
  'KV',
  introduced(
    '3.7',
    rule('a stream of a range over nothing is one message', chunks.open(ALL), last('r', {}), chunks.receive(ENDED)),
    rule(
      'a stream of a range of few keys is one message',
      filled(3),
      chunks.open(ALL),
      last('r+1', { kvs: kvs(3), count: 3 }),
      chunks.receive(ENDED),
    ),
    rule(
      'a stream of a range of ten keys is one message',
      filled(10),
      chunks.open(ALL),
      last('r+1', { kvs: kvs(10), count: 10 }),
      chunks.receive(ENDED),
    ),
    rule(
      'a stream of a range tells ten keys first',
      filled(12),
      chunks.open(ALL),
      first(kvs(10)),
      last('r+1', { kvs: kvs(12, 10), count: 12 }),
      chunks.receive(ENDED),
    ),
    rule(
      'a stream of a range ends at its limit, and counts what is beyond',
      filled(13),
      chunks.open({ ...ALL, limit: 11 }),
      first(kvs(10)),
      last('r+1', { kvs: kvs(11, 10), more: true, count: 13 }),
      chunks.receive(ENDED),
    ),
    rule(
      'a stream of a range has a limit below a chunk',
      filled(5),
      chunks.open({ ...ALL, limit: 2 }),
      last('r+1', { kvs: kvs(2), more: true, count: 5 }),
    ),
    rule(
      'a stream that counts is one message',
      filled(12),
      chunks.open({ ...ALL, countOnly: true }),
      last('r+1', { count: 12 }),
      chunks.receive(ENDED),
    ),
    rule(
      'a stream of one key is one message',
      filled(2),
      chunks.open({ key: '~a' }),
      last('r+1', { kvs: kvs(1), count: 1 }),
    ),
    rule(
      'a stream of a past revision tells the present one',
      puts('~a=1', '~a=2'),
      chunks.open({ ...ALL, revision: 'r+1' }),
      last('r+2', { kvs: [kv('~a', '1', 'r+1')], count: 1 }),
    ),
    rule(
      'a stream may be sorted as it is anyway',
      filled(1),
      chunks.open({ ...ALL, sortOrder: 'ASCEND' }),
      last('r+1', { kvs: kvs(1), count: 1 }),
    ),
    refused('no key', {}, NO_KEY),
    refused('a revision to come', { ...ALL, revision: INT64_MAX }, FUTURE),
    refused('descending', { ...ALL, sortOrder: 'DESCEND' }, NO_ORDER),
    refused('by another target', { ...ALL, sortTarget: 'MOD', sortOrder: 'ASCEND' }, NO_ORDER),
    refused('an order that does not exist', { ...ALL, sortOrder: 7 }, BAD_SORT),
    refused('a least revision', { ...ALL, minModRevision: 1 }, NO_FILTER),
    refused('a greatest revision of creation', { ...ALL, maxCreateRevision: 1 }, NO_FILTER),
  ),
);
