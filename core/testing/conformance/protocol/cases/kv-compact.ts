import {
  ALL,
  at,
  compact,
  deleteRange,
  INT64_MAX,
  INT64_MIN,
  kv,
  on,
  onPurpose,
  puts,
  range,
  rule,
  topic,
  txn,
  op,
} from '../notation.js';
import { COMPACTED, FUTURE } from './wire-errors.js';

const THREE = puts('~a=1', '~a=2', '~a=3');
const a = (value: string, revision: 'r+1' | 'r+2' | 'r+3', version: number) => ({
  kvs: [kv('~a', value, ['r+1', revision, version])],
  count: 1,
});

export const kvCompact = topic(
  'KV',
  // Of a store in which nothing was compacted before: these come first.
  on(
    'fresh',
    rule('a store begins at revision 1', range({ ...ALL }, at(1))),
    rule('a range at revision 1 of a store that has nothing else tells nothing', range({ ...ALL, revision: 1 }, at(1))),
    rule('a compaction to a revision to come is refused, on a new store', compact({ revision: 2 }, FUTURE)),
    rule(
      'the first change makes revision 2',
      puts('~a=1'),
      range({ key: '~a' }, at(2, { kvs: [kv('~a', '1', 2)], count: 1 })),
    ),
    rule(
      'a negative revision in a transaction is the latest while nothing was compacted',
      puts('~a=1'),
      txn(
        { success: [op.range({ key: '~a', revision: -1 })] },
        at('r+1', {
          succeeded: true,
          responses: [{ responseRange: { header: { revision: 'r+1' }, kvs: [kv('~a', '1', 'r+1')], count: 1 } }],
        }),
      ),
    ),
    rule('the first compaction may be to revision 0', compact({ revision: 0 }, at('r'))),
    rule(
      'a second compaction to revision 0 is refused',
      compact({ revision: 0 }, onPurpose('compaction-to-revision-0', { etcd: COMPACTED, conclave: at('r') })),
    ),
  ),
  rule('a compaction tells the revision', THREE, compact({ revision: 'r+2' }, at('r+3'))),
  rule(
    'a compaction is no change',
    THREE,
    compact({ revision: 'r+2' }),
    range({ key: '~a' }, at('r+3', a('3', 'r+3', 3))),
  ),
  rule('a compaction that is physical answers alike', THREE, compact({ revision: 'r+2', physical: true }, at('r+3'))),
  rule('a compaction to the present is taken', THREE, compact({ revision: 'r+3' }, at('r+3'))),
  rule('a compaction to the next revision is refused', THREE, compact({ revision: 'r+4' }, FUTURE)),
  rule('a compaction to the largest revision is refused', compact({ revision: INT64_MAX }, FUTURE)),
  ...['r+2', 'r+1', 1, 0, -1, INT64_MIN].map((revision) =>
    rule(
      `a compaction that is behind another is refused: ${revision}`,
      THREE,
      compact({ revision: 'r+2' }),
      compact({ revision }, COMPACTED),
    ),
  ),
  rule('a compaction without a revision is refused', THREE, compact({ revision: 'r+2' }), compact({}, COMPACTED)),
  rule(
    'a physical compaction behind another is refused',
    THREE,
    compact({ revision: 'r+2' }),
    compact({ revision: 'r+2', physical: true }, COMPACTED),
  ),
  rule(
    'a compaction goes on from another',
    THREE,
    compact({ revision: 'r+2' }),
    compact({ revision: 'r+3' }, at('r+3')),
  ),
  rule(
    'a compaction leaves what is at its revision',
    THREE,
    compact({ revision: 'r+2' }),
    range({ key: '~a', revision: 'r+2' }, at('r+3', a('2', 'r+2', 2))),
    range({ key: '~a', revision: 'r+1' }, COMPACTED),
  ),
  rule(
    'a compaction leaves what was changed last before its revision',
    puts('~a=1', '~b=1', '~b=2'),
    compact({ revision: 'r+3' }),
    range({ key: '~a', revision: 'r+3' }, at('r+3', { kvs: [kv('~a', '1', 'r+1')], count: 1 })),
  ),
  rule(
    'a compaction leaves versions and creation as they were',
    THREE,
    compact({ revision: 'r+3', physical: true }),
    puts('~a=4'),
    range({ key: '~a' }, at('r+4', { kvs: [kv('~a', '4', ['r+1', 'r+4', 4])], count: 1 })),
  ),
  rule(
    'a compaction at a deletion leaves nothing',
    puts('~a=1'),
    deleteRange({ key: '~a' }),
    compact({ revision: 'r+2' }),
    range({ key: '~a', revision: 'r+2' }, at('r+2')),
    range({ key: '~a', revision: 'r+1' }, COMPACTED),
  ),
  rule(
    'a key that is put after a compaction of its deletion begins anew',
    puts('~a=1'),
    deleteRange({ key: '~a' }),
    compact({ revision: 'r+2', physical: true }),
    puts('~a=2'),
    range({ key: '~a' }, at('r+3', { kvs: [kv('~a', '2', 'r+3')], count: 1 })),
  ),
);
