import type { Mutant } from '../mutant.js';

/** The client over the network. */
export const CLIENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'lost-transaction-repeated',
    rows: [89],
    what: 'a transaction whose answer was lost is sent again',
    file: 'core/client/grpc-store.ts',
    find: `isRepeatable: onlyReads(operation), signal };`,
    replace: `isRepeatable: onlyReads(operation) || operation.type === 'txn', signal };`,
    layers: ['sim', 'jest:core/client/calls.test.ts'],
  },
  {
    name: 'lost-put-repeated',
    rows: [89],
    what: 'a put whose answer was lost is sent again',
    file: 'core/client/grpc-store.ts',
    find: `    const plan = { asked: { what: 'put', operation }, isRepeatable: false, signal };`,
    replace: `    const plan = { asked: { what: 'put', operation }, isRepeatable: true, signal };`,
    layers: ['sim', 'jest:core/client/calls.test.ts', 'jest:core/client/faults.test.ts'],
  },
  {
    name: 'unanswered-write-called-refused',
    rows: [89],
    what: 'a timeout of a member is taken for a refusal, after which a write may be sent again',
    file: 'core/client/call-failure.ts',
    find: `['NO_LEADER', 'TOO_MANY_REQUESTS', 'LEARNER_REFUSES']`,
    replace: `['NO_LEADER', 'TOO_MANY_REQUESTS', 'LEARNER_REFUSES', 'REQUEST_TIMED_OUT']`,
    layers: ['sim', 'jest:core/client/calls.test.ts', 'jest:core/client/faults.test.ts'],
  },
  {
    name: 'client-watches-past-a-compaction',
    rows: [71],
    what: 'a watch that was compacted away is taken up after the compaction, and its reader is not told',
    file: 'core/client/watcher.ts',
    find: `    this.fail(new CompactedError(this.#next ?? 0, compactRevision));`,
    replace: `    this.#next = compactRevision;
    this.#carrier.attach(this);`,
    layers: ['sim', 'jest:core/client/watch.test.ts', 'jest:core/client/watch-resume.test.ts'],
  },
  {
    name: 'client-watch-resumes-one-too-late',
    rows: [65],
    what: 'a watch that is taken up again leaves out a revision',
    file: 'core/client/server-watch.ts',
    find: `      startRevision: BigInt(this.#next ?? 0),`,
    replace: `      startRevision: BigInt(this.#next === undefined ? 0 : this.#next + (this.isCreated ? 1 : 0)),`,
    layers: ['sim', 'jest:core/client/watch-resume.test.ts', 'jest:core/client/watch-failover.property.test.ts'],
  },
  {
    name: 'client-watch-resumes-one-too-early',
    rows: [66],
    what: 'a watch that is taken up again repeats the last revision',
    file: 'core/client/server-watch.ts',
    find: `    this.#next = lastWhole.kv.modRevision + 1;`,
    replace: `    this.#next = lastWhole.kv.modRevision;`,
    // Whoever reads leaves out what it has had: that more is asked for than is needed shows on the wire alone.
    layers: ['jest:core/client/watch-resume.test.ts'],
  },
  {
    name: 'half-received-revision-kept',
    rows: [66],
    what: 'the half of a revision that came before the connection broke is delivered with the whole',
    file: 'core/client/server-watch.ts',
    find: `  toMessage(watchId: bigint): WatchCreateRequest {
    this.#partial = [];`,
    replace: `  toMessage(watchId: bigint): WatchCreateRequest {`,
    layers: ['sim', 'jest:core/client/watch-resume.test.ts', 'jest:core/client/watch-pace.test.ts'],
  },
  {
    name: 'client-progress-past-a-half-received-revision',
    rows: [64],
    what: 'a revision of which a part has come counts as delivered when progress is told',
    file: 'core/client/server-watch.ts',
    find: `    if (this.#next === undefined || this.#partial.length > 0) return;`,
    replace: `    if (this.#next === undefined) return;`,
    // Only from a server that breaks its word: a member of ours tells no progress between fragments.
    layers: ['jest:core/client/watch-resume.test.ts'],
  },
  {
    name: 'client-buffer-loses-while-paused',
    rows: [62],
    what: 'a watch that let the server go because its reader is slow counts what it did not keep as queued',
    file: 'core/client/watcher.ts',
    find: `    this.#isPaused = true;`,
    replace: `    this.#isPaused = true;
    this.#batches.pop();`,
    layers: ['sim', 'jest:core/client/watch-pace.test.ts'],
  },
  {
    name: 'client-stays-with-a-sick-member',
    rows: [90],
    what: 'a member that does not serve is asked again and again, and no other one',
    file: 'core/client/caller.ts',
    find: `  return isSick || (isPassing && attempt > 1);`,
    replace: `  return isSick && isPassing && attempt > 1_000;`,
    layers: ['sim', 'jest:core/client/failover.test.ts', 'jest:core/client/calls.test.ts'],
  },
  {
    name: 'silent-renewals-never-given-up',
    rows: [80],
    what: 'a renewal on a connection that only seems open is waited for without end',
    file: 'core/client/keep-alive-link.ts',
    find: `      connection.owes(owed);
`,
    replace: ``,
    layers: ['sim', 'jest:core/client/leases.test.ts', 'jest:core/client/failover.test.ts'],
  },
  {
    name: 'silent-watch-never-asked',
    rows: [80],
    what: 'a watch stream on a connection that only seems open is never asked whether it listens',
    file: 'core/client/watch-link.ts',
    find: `    } else if (nowMs - stream.lastHeardMs >= watchIdleMs) this.#probe(stream);`,
    replace: `    } else if (nowMs - stream.lastHeardMs >= watchIdleMs * 1_000_000) this.#probe(stream);`,
    layers: [
      'sim',
      'jest:core/client/watch-resume.test.ts',
      'jest:core/client/failover.test.ts',
      'jest:core/client/watch-failover.property.test.ts',
    ],
  },
];
