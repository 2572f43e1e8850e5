import { InvariantError } from '../../../base/assert.js';
import { type AppliedPosition, readAppliedPosition, writeAppliedPosition } from '../../../machine/applied-position.js';
import { compact, readCompactRevision } from '../../../mvcc/compaction.js';
import type { KeyspaceState } from '../../../mvcc/keyspace-state.js';
import {
  type InstalledPosition,
  readInstalledPosition,
  writeInstalledPosition,
} from '../../../snapshot/installed-position.js';
import { codecTarget } from '../codec-target.js';
import { putBy, viewOf } from '../draw/records.js';

const { key: APPLIED } = putBy((batch) => writeAppliedPosition(batch, { index: 0, term: 0, hash: 0 }));
const { key: INSTALLED } = putBy((batch) => writeInstalledPosition(batch, { index: 0, term: 0 }));
const { key: COMPACTED } = compactTo(1);

/** Up to where the log was applied. */
export const appliedPosition = codecTarget<AppliedPosition>('applied-position', 'up to where the log was applied', {
  draw: (chance) => ({ index: chance.count(), term: chance.count(), hash: chance.count() }),
  encode: (position) => putBy((batch) => writeAppliedPosition(batch, position)).value,
  decode: (bytes) => readAppliedPosition(viewOf(APPLIED, bytes)),
  refusals: [InvariantError],
});

/** Which snapshot the state came from. */
export const installedPosition = codecTarget<InstalledPosition | undefined>(
  'installed-position',
  'which snapshot the state came from',
  {
    draw: (chance) => ({ index: chance.count(), term: chance.count() }),
    encode: (position) => putBy((batch) => writeInstalledPosition(batch, position as InstalledPosition)).value,
    decode: (bytes) => readInstalledPosition(viewOf(INSTALLED, bytes)),
    refusals: [InvariantError],
  },
);

/** From which revision on the history can be read. */
export const compactRevision = codecTarget<number>('compact-revision', 'from where the history can be read', {
  draw: (chance) => 1 + (chance.count() % Number.MAX_SAFE_INTEGER),
  encode: (revision) => compactTo(revision).value,
  decode: (bytes) => readCompactRevision(viewOf(COMPACTED, bytes)),
  refusals: [InvariantError],
  // What stands behind the revision is not read.
  isLenient: true,
});

function compactTo(revision: number) {
  const state = { revision: Number.MAX_SAFE_INTEGER, compactRevision: 0 } as KeyspaceState;
  return putBy((batch) => compact(state, revision, batch));
}
