import type { Mutant } from '../mutant.js';

/** The log, the engine and the folder: what is durable, and what is made of it after a crash. */
export const LOG_MUTANTS: readonly Mutant[] = [
  {
    name: 'log-acknowledges-before-sync',
    rows: [2],
    what: 'an append is acknowledged before it is synced',
    file: 'core/wal/segment.ts',
    find: `    await this.#file.write(bytes, this.#endOffset);
    await this.#file.sync();`,
    replace: `    await this.#file.write(bytes, this.#endOffset);
    void this.#file.sync().catch(() => undefined);`,
    layers: ['crash-points', 'sim', 'jest:core/wal/crash.test.ts', 'jest:core/wal/wal.test.ts'],
  },
  {
    name: 'failed-sync-ignored',
    rows: [19],
    what: 'a sync that fails is taken for one that succeeded',
    file: 'core/wal/segment.ts',
    find: `    await this.#file.write(bytes, this.#endOffset);
    await this.#file.sync();`,
    replace: `    await this.#file.write(bytes, this.#endOffset);
    await this.#file.sync().catch(() => undefined);`,
    layers: ['crash-points', 'sim', 'jest:core/wal/wal.test.ts', 'jest:core/testing/cluster/faults/disk.test.ts'],
  },
  {
    name: 'failed-sync-retried',
    rows: [19],
    what: 'a sync that fails is tried again, though the system may have dropped what it was to write',
    file: 'core/wal/segment.ts',
    find: `    await this.#file.write(bytes, this.#endOffset);
    await this.#file.sync();`,
    replace: `    await this.#file.write(bytes, this.#endOffset);
    await this.#file.sync().catch(() => this.#file.sync());`,
    layers: ['jest:core/wal/wal.test.ts', 'sim'],
  },
  {
    name: 'log-goes-on-after-a-failure',
    rows: [19],
    what: 'after a failure of the disk, the log takes further appends',
    file: 'core/wal/wal.ts',
    find: `    this.#failure ??= toLogError(this.#place.path, error);
    return this.#failure;`,
    replace: `    return toLogError(this.#place.path, error);`,
    layers: ['jest:core/wal/wal.test.ts', 'sim'],
  },
  {
    name: 'vote-by-itself-not-written',
    rows: [47],
    what: 'a term and a vote without entries are not written',
    file: 'core/wal/wal.ts',
    find: `    if (hardState === undefined && entries.length === 0) return;`,
    replace: `    if (entries.length === 0) return;`,
    layers: ['crash-points', 'sim', 'jest:core/wal/wal.test.ts'],
  },
  {
    name: 'truncated-entries-come-back',
    rows: [14],
    what: 'when the log is read, an entry that overwrote others takes the place of one of them only',
    file: 'core/wal/replay.ts',
    find: `      this.#entries.length = entry.index - this.#firstIndex;
      this.#entries.push(entry);`,
    replace: `      this.#entries[entry.index - this.#firstIndex] = entry;`,
    layers: ['jest:core/wal/wal.property.test.ts', 'sim', 'crash-points'],
  },
  {
    name: 'torn-end-refused',
    rows: [15],
    what: 'a torn last write keeps the log from being opened',
    file: 'core/wal/replay.ts',
    find: `    const tornBytes = segment.isLast ? bytesUpToLastNonZero(segment.bytes, endOffset) : 0;`,
    replace: `    const tornBytes = segment.isLast ? bytesUpToLastNonZero(segment.bytes, endOffset) : 0;
    if (tornBytes > 0) throw new LogDamagedError(file, endOffset, 'the group is not whole');`,
    layers: ['crash-points', 'sim', 'jest:core/wal/crash.test.ts'],
  },
  {
    name: 'repair-drops-the-last-good-group',
    rows: [15],
    what: 'the repair of a torn end writes zeros over the last group that is whole, too',
    file: 'core/wal/recovery.ts',
    find: `  rewritten.fill(0, tail.endOffset - tail.lastGroupOffset);`,
    replace: `  if (tail.tornBytes > 0) rewritten.fill(0);`,
    layers: ['crash-points', 'sim', 'jest:core/wal/crash.test.ts', 'jest:core/wal/damage.test.ts'],
  },
  {
    name: 'damage-taken-for-a-torn-end',
    rows: [16],
    what: 'a damaged group ends the log, though others were written after it',
    file: 'core/wal/replay.ts',
    find: `    this.#rejectLaterGroup(segment.bytes, endOffset, file);`,
    replace: `    if (!segment.isLast) this.#rejectLaterGroup(segment.bytes, endOffset, file);`,
    layers: ['jest:core/wal/damage.test.ts', 'sim'],
  },
  {
    name: 'known-durable-index-ignored',
    rows: [16],
    what: 'a log that ends before what was committed or applied is opened as if nothing were missing',
    file: 'core/wal/recovery.ts',
    find: `    rejectMissing(replay.state, known, { file: segment.path, offset: tail.endOffset });
`,
    replace: ``,
    layers: ['jest:core/wal/damage.test.ts', 'jest:core/wal/begin-anew.test.ts', 'sim'],
  },
  {
    name: 'recovered-end-not-synced',
    rows: [2, 19],
    what: 'what is read back is believed to be durable, though it may come from the memory of the system',
    file: 'core/wal/recovery.ts',
    find: `  await file.write(rewritten, tail.lastGroupOffset);
  await file.sync();`,
    replace: `  if (tail.tornBytes > 0) await file.write(rewritten, tail.lastGroupOffset);`,
    layers: ['crash-points', 'sim', 'jest:core/wal/crash.test.ts'],
  },
  {
    name: 'group-header-length-unchecked',
    rows: [22],
    what: 'the header of a group is read beyond the end of the segment',
    file: 'core/wal/group.ts',
    find: `  if (at + GROUP_HEADER_BYTES > bytes.length || bytes.readUInt32LE(at) !== MAGIC) return undefined;`,
    replace: `  if (bytes.readUInt32LE(at) !== MAGIC) return undefined;`,
    layers: ['fuzz:wal-log'],
  },
  {
    name: 'group-payload-checksum-unchecked',
    rows: [22],
    what: 'a group is taken though its bytes are not those that were written',
    file: 'core/wal/group.ts',
    find: `  return end <= bytes.length && checksum(bytes.subarray(at + GROUP_HEADER_BYTES, end)) === header.payloadChecksum;`,
    replace: `  return end <= bytes.length;`,
    layers: ['crash-points', 'fuzz:wal-group', 'sim', 'jest:core/wal/crash.test.ts'],
  },
  {
    name: 'group-parts-unchecked',
    rows: [22],
    what: 'the parts of a group need not add up to its length',
    file: 'core/wal/group.ts',
    find: `  if (at !== bytes.length) return undefined;`,
    replace: `  if (at < bytes.length) return undefined;`,
    layers: ['fuzz:wal-group'],
  },
  {
    name: 'group-chain-unchecked',
    rows: [14],
    what: 'a group is taken though it does not follow the one before it',
    file: 'core/wal/replay.ts',
    find: `    if (header?.sequence !== this.#nextGroup || header.link !== this.#link) return undefined;`,
    replace: `    if (header?.sequence !== this.#nextGroup) return undefined;`,
    layers: [
      'jest:core/wal/crash.test.ts',
      'jest:core/wal/damage.test.ts',
      'jest:core/wal/replay.test.ts',
      'crash-points',
    ],
  },
  {
    name: 'segment-named-before-it-is-durable',
    rows: [18],
    what: 'a segment gets its name before its header is synced',
    file: 'core/wal/segment.ts',
    find: `      await file.sync();
      await disk.rename(unfinishedPath, path);`,
    replace: `      await disk.rename(unfinishedPath, path);`,
    layers: ['crash-points', 'sim', 'jest:core/wal/crash.test.ts'],
  },
  {
    name: 'segment-name-not-synced',
    rows: [18],
    what: 'a segment is written to before its name is durable',
    file: 'core/wal/segment.ts',
    find: `      await disk.rename(unfinishedPath, path);
      await disk.syncDirectory(directory);`,
    replace: `      await disk.rename(unfinishedPath, path);`,
    layers: ['crash-points', 'sim', 'jest:core/wal/crash.test.ts'],
  },
  {
    name: 'log-cut-too-far',
    rows: [21],
    what: 'compacting the log removes the segment that still has the entry after the compacted one',
    file: 'core/wal/wal.ts',
    find: `        if (oldest === undefined || next.firstIndex - 1 > index) return;`,
    replace: `        if (oldest === undefined || oldest.firstIndex > index) return;`,
    layers: ['crash-points', 'sim', 'jest:core/wal/wal.test.ts', 'jest:core/wal/wal.property.test.ts'],
  },
  {
    name: 'log-compacted-beyond-the-engine',
    rows: [1, 21],
    what: 'the log lets go of entries that the engine has applied, but not durably',
    file: 'core/member/log-purger.ts',
    find: `    await state().backend.flush();
`,
    replace: ``,
    layers: ['crash-points', 'sim', 'jest:core/member/log-purger.test.ts', 'jest:core/member/durability.test.ts'],
  },
  {
    name: 'log-compacted-to-the-present',
    rows: [21],
    what: 'after the flush the log lets go of what was applied during it, too',
    file: 'core/member/log-purger.ts',
    find: `    if (this.#isHeld) return;
    raft.compactTo(index);
    await log.compactTo(index);`,
    replace: `    if (this.#isHeld) return;
    const present = Math.max(index, (raft as { appliedIndex?: number }).appliedIndex ?? 0);
    raft.compactTo(present);
    await log.compactTo(present);`,
    layers: ['crash-points', 'sim', 'jest:core/member/log-purger.test.ts', 'jest:core/member/durability.test.ts'],
  },
  {
    name: 'flush-answered-early',
    rows: [1],
    what: 'a flush of the engine is answered when the transaction under way is durable, without what came after',
    file: 'core/backend/overlay-backend.ts',
    find: `    const needed = (this.#flushing ? 1 : 0) + (this.#gathering.size > 0 ? 1 : 0);`,
    replace: `    const needed = this.#flushing || this.#gathering.size > 0 ? 1 : 0;`,
    layers: ['crash-points', 'sim', 'jest:core/backend/overlay-backend.test.ts'],
  },
  {
    name: 'engine-transaction-not-awaited',
    rows: [1],
    what: 'a transaction of the engine counts as durable as soon as it has begun',
    file: 'core/backend/overlay-backend.ts',
    find: `      await this.#engine.commit(overlay);`,
    replace: `      await Promise.race([this.#engine.commit(overlay), undefined]);`,
    layers: ['crash-points', 'sim', 'jest:core/backend/overlay-backend.test.ts'],
  },
  {
    name: 'engine-transaction-never-over',
    rows: [],
    what: 'a transaction that is over before it is known to be under way is so for ever: who waits goes round in circles',
    file: 'core/backend/overlay-backend.ts',
    find: `      await this.#engine.commit(overlay);`,
    replace: `      void this.#engine.commit(overlay).catch((error: Error) => this.#fail(error));`,
    layers: ['crash-points'],
  },
  {
    name: 'failed-engine-believed-after-restart',
    rows: [19],
    what: "a transaction of the engine is there before it is synced, so that a restart believes one whose sync failed; and LMDB's binding tries the sync again",
    file: 'core/backend/lmdb-engine.ts',
    find: `        overlappingSync: false,`,
    replace: `        overlappingSync: true,`,
    // Programs that search have an engine of their own.
    layers: ['jest:core/backend/lmdb-failed-sync.test.ts'],
  },
  {
    name: 'engine-read-but-not-made-sure-of',
    rows: [19],
    what: 'the engine goes on from the transaction that the system shows, though the disk may have another one',
    file: 'core/backend/lmdb-file.ts',
    find: `    writeSync(descriptor, metaPages, 0, metaPages.length, 0);
    fdatasyncSync(descriptor);
`,
    replace: `    void [metaPages, writeSync, fdatasyncSync];
`,
    layers: ['jest:core/backend/lmdb-failed-sync.test.ts'],
  },
  {
    name: 'incoming-state-thrown-away',
    rows: [3],
    what: 'a start after a crash between two renamings drops the state that was to take the place of the old one',
    file: 'core/server/engine-folders.ts',
    find: `    await renameDurably(disk, incoming, current);
    await disk.removeTree(outgoing);
    return;`,
    replace: `    await disk.removeTree(incoming);`,
    layers: ['crash-points', 'sim', 'jest:core/server/engine-folders.test.ts'],
  },
  {
    name: 'state-removed-before-the-next-is-in-force',
    rows: [3],
    what: 'the old state is removed before the new one has its name',
    file: 'core/server/engine-folders.ts',
    find: `  await renameDurably(disk, current, outgoing);
  await renameDurably(disk, incoming, current);`,
    replace: `  await disk.removeTree(current);
  await renameDurably(disk, incoming, current);`,
    layers: ['crash-points', 'sim', 'jest:core/server/engine-folders.test.ts'],
  },
  {
    name: 'renamed-without-sync',
    rows: [3, 18],
    what: 'a new name of a folder or file is not synced',
    file: 'core/server/folders.ts',
    find: `  await disk.rename(from, to);
  await disk.syncDirectory(dirname(resolve(to)));`,
    replace: `  await disk.rename(from, to);`,
    layers: ['crash-points', 'sim', 'jest:core/server/engine-folders.test.ts', 'jest:core/server/data-folder.test.ts'],
  },
  {
    name: 'log-begins-anew-before-the-state',
    rows: [21],
    what: 'a snapshot is installed the wrong way round: the log begins anew before the state is in force',
    file: 'core/member/state-in-force.ts',
    find: `      const state = await install(snapshot, this.#state);
      assert(state.machine.appliedIndex === snapshot.index, 'the state installed is the one that was announced');
      assert(hardState !== undefined, 'a snapshot is installed in a known term');
      await log.reset(snapshot, hardState);`,
    replace: `      assert(hardState !== undefined, 'a snapshot is installed in a known term');
      await log.reset(snapshot, hardState);
      const state = await install(snapshot, this.#state);
      assert(state.machine.appliedIndex === snapshot.index, 'the state installed is the one that was announced');`,
    layers: ['crash-points', 'sim', 'jest:core/member/snapshots.test.ts'],
  },
  {
    name: 'log-let-go-behind-a-snapshot',
    rows: [],
    what: 'the leader lets go of its log while a snapshot is on its way, so that one has to follow the other',
    file: 'core/member/snapshots-sent.ts',
    find: `    catchUps.begin(to, index);
`,
    replace: ``,
    layers: ['sim', 'jest:core/member/snapshots.test.ts'],
  },
  {
    name: 'snapshot-position-not-kept',
    rows: [21],
    what: 'the state that came from a snapshot does not remember its position, so that an older log passes for damaged',
    file: 'core/server/folder-state.ts',
    find: `      backend.write((batch) => writeInstalledPosition(batch, position));
`,
    replace: ``,
    layers: ['crash-points', 'sim', 'jest:core/server/folder-state.test.ts'],
  },
  {
    name: 'snapshot-hash-unchecked',
    rows: [22],
    what: 'a snapshot is taken though its bytes are not those that were sent',
    file: 'core/snapshot/snapshot-parser.ts',
    find: `    if (!this.#skipHashCheck && !equalBytes(said, this.#checksum)) {`,
    replace: `    if (!this.#skipHashCheck && said.length !== this.#checksum.length) {`,
    layers: ['jest:core/snapshot/damaged-snapshot.test.ts'],
  },
  {
    name: 'snapshot-record-length-unchecked',
    rows: [22],
    what: 'a record of a snapshot may say any length, and is waited for',
    file: 'core/snapshot/snapshot-parser.ts',
    find: `    if (valueBytes > VALUE_BYTES_MAX) throw this.#damaged(\`a value of \${valueBytes} bytes\`);
`,
    replace: ``,
    layers: ['jest:core/snapshot/damaged-snapshot.test.ts'],
  },
  {
    name: 'frame-length-unchecked',
    rows: [22],
    what: 'a frame from another member may say any length, and memory is set aside for it',
    file: 'core/peer/frame-reader.ts',
    find: `    if (length > this.bodyBytesMax)
      throw new MalformedError(\`a frame of \${length} bytes; at most \${this.bodyBytesMax}\`);
`,
    replace: ``,
    layers: ['fuzz:frames'],
  },
  {
    name: 'count-in-a-frame-unchecked',
    rows: [22],
    what: 'a count in a frame is believed before it is known that its things are there',
    file: 'core/peer/wire-reader.ts',
    find: `    if (count * leastBytes > left) throw new MalformedError(\`\${count} things are said to follow in \${left} bytes\`);
`,
    replace: ``,
    layers: ['fuzz:peer-messages'],
  },
];
