import {
  ALL,
  anything,
  at,
  bare,
  call,
  compact,
  deleteRange,
  ENDED,
  gives,
  INT64_MAX,
  like,
  named,
  needing,
  on,
  onPurpose,
  positive,
  put,
  puts,
  range,
  rule,
  since,
  stream,
  topic,
  where,
} from '../notation.js';
import { BAD_TRANSFEREE, COMPACTED, CORRUPT, FUTURE, NO_SPACE } from './wire-errors.js';

const status = (message: object) => call('Maintenance/Status', {}, gives(message as never));
void [
  ALL,
  bare,
  compact,
  deleteRange,
  ENDED,
  named,
  needing,
  on,
  onPurpose,
  put,
  range,
  since,
  stream,
  CORRUPT,
  NO_SPACE,
];

export const maintenance = topic(
  'Maintenance',
  rule(
    'the status tells the version',
    status({
      version: like(/^3\.\d+\.\d+$/),
      dbSize: positive,
      dbSizeInUse: positive,
      leader: positive,
      raftIndex: positive,
      raftTerm: positive,
      raftAppliedIndex: positive,
    }),
  ),
  rule(
    'a hash of the keys tells the revision',
    puts('~a=1'),
    call('Maintenance/HashKV', {}, at('r+1', { hash: anything, compactRevision: anything })),
  ),
  rule('a hash at a revision to come is refused', call('Maintenance/HashKV', { revision: 'r+1' }, FUTURE)),
  rule('a hash at the largest revision is refused', call('Maintenance/HashKV', { revision: INT64_MAX }, FUTURE)),
  where(
    'one',
    rule('the lead is not handed to nobody', call('Maintenance/MoveLeader', { targetID: 1 }, BAD_TRANSFEREE)),
  ),
  rule(
    'a compacted hash',
    puts('~a=1', '~a=2'),
    compact({ revision: 'r+2' }),
    call('Maintenance/HashKV', { revision: 'r+1' }, COMPACTED),
  ),
);
