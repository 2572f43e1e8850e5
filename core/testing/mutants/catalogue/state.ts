import type { Mutant } from '../mutant.js';

/** The replicated state: keys, revisions, compaction. */
export const STATE_MUTANTS: readonly Mutant[] = [
  {
    name: 'applied-index-before-its-data',
    rows: [1],
    what: 'the applied index is written by itself, before the data of its entries',
    file: 'core/machine/machine.ts',
    find: `    this.#backend.write((batch) => {
      const hashing = new HashingBatch(batch, this.#hash);`,
    replace: `    const { value: hash } = this.#hash;
    this.#backend.write((batch) => writeAppliedPosition(batch, { index: last.index, term: last.term, hash }));
    this.#backend.write((batch) => {
      const hashing = new HashingBatch(batch, this.#hash);`,
    layers: ['crash-points', 'sim', 'jest:core/machine/machine.test.ts', 'jest:core/machine/machine.property.test.ts'],
  },
  {
    name: 'applied-index-after-its-data',
    rows: [1],
    what: 'the applied index is written by itself, after the data of its entries',
    file: 'core/machine/machine.ts',
    find: `      writeAppliedPosition(batch, { index: last.index, term: last.term, hash: this.#hash.value });
    });`,
    replace: `    });
    this.#backend.write((batch) => {
      writeAppliedPosition(batch, { index: last.index, term: last.term, hash: this.#hash.value });
    });`,
    layers: ['crash-points', 'sim', 'jest:core/machine/machine.test.ts', 'jest:core/machine/machine.property.test.ts'],
  },
  {
    name: 'revision-goes-down-at-restart',
    rows: [5],
    what: 'a start takes the revision from the keys that are left, so that it forgets the one that deleted the last',
    file: 'core/mvcc/keyspace.ts',
    find: `    let revision = Math.max(FIRST_REVISION, compactRevision);
    let leasedFrom = Number.POSITIVE_INFINITY;
    for (const [key, record] of backend.scan('history')) {
      revision = Math.max(revision, mainOf(key));
      const reader = new RecordReader(mainOf(key), record);`,
    replace: `    let revision = FIRST_REVISION;
    let leasedFrom = Number.POSITIVE_INFINITY;
    for (const [key, record] of backend.scan('history')) {
      const reader = new RecordReader(mainOf(key), record);
      if (!reader.isTombstone || mainOf(key) > compactRevision) revision = Math.max(revision, mainOf(key));`,
    layers: ['crash-points', 'sim', 'jest:core/mvcc/keyspace.test.ts', 'jest:core/mvcc/keyspace.property.test.ts'],
  },
  {
    name: 'compaction-forgotten-at-restart',
    rows: [5],
    what: 'the compacted revision is not kept, so that after a restart what is half freed can be read',
    file: 'core/mvcc/compaction.ts',
    find: `  batch.put('meta', COMPACT_REVISION_KEY, encodeRevision(revision, 0));`,
    replace: `  if (revision < 0) batch.put('meta', COMPACT_REVISION_KEY, encodeRevision(revision, 0));`,
    layers: ['crash-points', 'sim', 'jest:core/mvcc/compaction.test.ts'],
  },
  {
    name: 'tombstone-freed-at-its-own-revision',
    rows: [63],
    what: 'a compaction to the very revision of a deletion frees its record',
    file: 'core/mvcc/key-index.ts',
    find: `  if (older.isTombstoneAt(0)) return older.mainAt(0) + 1;`,
    replace: `  if (older.isTombstoneAt(0)) return older.mainAt(0);`,
    layers: ['sim', 'jest:core/mvcc/key-index.test.ts', 'jest:core/mvcc/keyspace.property.test.ts'],
  },
  {
    name: 'last-tombstone-freed-at-its-own-revision',
    rows: [5, 63],
    what: 'a compaction to the very revision of a deletion frees its record, if it is the last of its key',
    file: 'core/mvcc/key-index.ts',
    find: `  if (!older) return entry.main + 1;`,
    replace: `  if (!older) return entry.main;`,
    layers: ['sim', 'jest:core/mvcc/key-index.test.ts', 'jest:core/mvcc/keyspace.property.test.ts'],
  },
  {
    name: 'readable-revision-freed',
    rows: [63],
    what: 'a compaction frees what can be read at the compacted revision',
    file: 'core/mvcc/key-index.ts',
    find: `  return older.length > 1 ? older.mainAt(1) : entry.main;`,
    replace: `  return older.mainAt(0) + 1;`,
    layers: ['sim', 'jest:core/mvcc/key-index.test.ts', 'jest:core/mvcc/keyspace.property.test.ts'],
  },
  {
    name: 'compacted-read-depends-on-what-is-freed',
    rows: [9],
    what: 'a transaction may read a compacted revision as long as this member has not freed it',
    file: 'core/mvcc/writer.ts',
    find: `    if (revision < (compactRevision === 0 ? -1 : compactRevision)) throw`,
    replace: `    if (this.#state.index.hasGarbage(compactRevision)) return;
    if (revision < (compactRevision === 0 ? -1 : compactRevision)) throw`,
    layers: [
      'sim',
      'jest:core/mvcc/writer.test.ts',
      'jest:core/mvcc/keyspace.property.test.ts',
      'jest:core/machine/machine.property.test.ts',
    ],
  },
  {
    name: 'failed-transaction-kept-in-part',
    rows: [10],
    what: 'a transaction that fails half-way leaves what it had done by then',
    file: 'core/machine/machine.ts',
    find: `    const result =
      request.type === 'put'
        ? writer.put(request)
        : request.type === 'delete'
          ? writer.delete(request)
          : writer.txn(request);
    this.#finish(writer.finish(), revisions);
    return this.operations.add(result);`,
    replace: `    try {
      return request.type === 'put'
        ? writer.put(request)
        : request.type === 'delete'
          ? writer.delete(request)
          : writer.txn(request);
    } finally {
      this.#finish(writer.finish(), revisions);
    }`,
    layers: ['sim', 'jest:core/machine/machine.test.ts', 'jest:core/machine/machine.property.test.ts'],
  },
  {
    name: 'condition-of-any-key',
    rows: [],
    what: 'a condition on a range holds if it holds for one key of it',
    file: 'core/mvcc/compare.ts',
    find: `    allHold &&= satisfies(compare.result, differenceOf(compare, version, reading));`,
    replace: `    allHold = satisfies(compare.result, differenceOf(compare, version, reading));`,
    layers: ['sim', 'jest:core/mvcc/compare.test.ts'],
  },
  {
    name: 'created-anew-with-the-old-life',
    rows: [],
    what: 'a key that is put after its deletion goes on with the life that ended',
    file: 'core/mvcc/writer.ts',
    find: `: entry?.isAlive ? entry : undefined;`,
    replace: `: entry;`,
    layers: ['sim', 'jest:core/mvcc/writer.test.ts', 'jest:core/mvcc/keyspace.property.test.ts'],
  },
  {
    name: 'history-page-skips-a-revision',
    rows: [46, 62],
    what: 'reading history page by page skips the first revision of each next page',
    file: 'core/mvcc/history.ts',
    find: `      if (revisionCount === revisionsMax) return { batches, nextRevision: main };`,
    replace: `      if (revisionCount === revisionsMax) return { batches, nextRevision: main + 1 };`,
    layers: ['sim', 'jest:core/mvcc/history.test.ts', 'jest:core/watch/hub.property.test.ts'],
  },
];
