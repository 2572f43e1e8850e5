import type { Mutant } from '../mutant.js';

/** Watches: every event, in order, once. */
export const WATCH_MUTANTS: readonly Mutant[] = [
  {
    name: 'slow-watcher-skips-what-is-compacted',
    rows: [62],
    what: 'a watcher that fell behind a compaction goes on after it and is not told',
    file: 'core/watch/watcher.ts',
    find: `      if (this.#nextRevision < compactRevision) {
        this.cancel();
        return { type: 'compacted', compactRevision };
      }`,
    replace: `      if (this.#nextRevision < compactRevision) this.#nextRevision = compactRevision;`,
    layers: ['sim', 'jest:core/watch/hub.test.ts', 'jest:core/watch/hub.property.test.ts'],
  },
  {
    name: 'watch-from-the-compacted-revision-refused',
    rows: [63],
    what: 'a watch that begins at the compacted revision is told that it was compacted away',
    file: 'core/watch/watcher.ts',
    find: `      if (this.#nextRevision < compactRevision) {`,
    replace: `      if (this.#nextRevision <= compactRevision) {`,
    layers: ['sim', 'jest:core/watch/hub.test.ts', 'jest:core/watch/hub.property.test.ts'],
  },
  {
    name: 'progress-before-delivery',
    rows: [64],
    what: 'progress is promised up to the present while events wait to be sent',
    file: 'core/watch/watcher.ts',
    find: `    if (this.#queue.length > 0) return false;
    const hasBegun`,
    replace: `    const hasBegun`,
    layers: [
      'sim',
      'jest:core/watch/hub.test.ts',
      'jest:core/watch/hub.property.test.ts',
      'jest:core/rpc/watch.test.ts',
    ],
  },
  {
    name: 'progress-of-what-waits',
    rows: [64],
    what: 'a watcher counts what waits in its queue as taken',
    file: 'core/watch/watcher.ts',
    find: `    if (first !== undefined) return first.revision - 1;`,
    replace: `    if (first !== undefined) return first.revision;`,
    layers: ['sim', 'jest:core/watch/hub.test.ts', 'jest:core/watch/hub.property.test.ts'],
  },
  {
    name: 'progress-while-a-message-is-half-sent',
    rows: [64],
    what: 'an answer about progress overtakes the rest of a revision that is being sent',
    file: 'core/rpc/watch.ts',
    find: `    if (watches.length === 0 || this.#rest || !watches.every(isUpToDate)) return;`,
    replace: `    if (watches.length === 0 || !watches.every(isUpToDate)) return;`,
    layers: ['sim', 'jest:core/rpc/watch.test.ts'],
  },
  {
    name: 'watchers-lost-at-a-snapshot',
    rows: [65],
    what: 'watchers do not learn what a snapshot brought',
    file: 'core/watch/hub.ts',
    find: `      if (watcher.move(publishedBefore)) woken.push(watcher);`,
    replace: `      if (publishedBefore < 0 && watcher.move(publishedBefore)) woken.push(watcher);`,
    layers: ['sim', 'jest:core/watch/move.test.ts'],
  },
  {
    name: 'watch-goes-back-at-a-snapshot',
    rows: [65],
    what: 'after a snapshot a watcher begins again at its first revision',
    file: 'core/watch/watcher.ts',
    find: `    const next = Math.max(this.#nextRevision, publishedBefore + 1);`,
    replace: `    const next = Math.min(this.startRevision, publishedBefore + 1);`,
    layers: ['sim', 'jest:core/watch/move.test.ts'],
  },
  {
    name: 'slow-watcher-loses-a-revision',
    rows: [62],
    what: 'the revision that did not fit into the queue of a slow watcher is lost',
    file: 'core/watch/watcher.ts',
    find: `      this.#nextRevision = batch.revision;
      this.#state = 'catchingUp';`,
    replace: `      this.#nextRevision = batch.revision + 1;
      this.#state = 'catchingUp';`,
    layers: ['sim', 'jest:core/watch/hub.test.ts', 'jest:core/watch/hub.property.test.ts'],
  },
  {
    name: 'slow-watcher-gets-events-twice',
    rows: [66],
    what: 'a watcher whose queue is full reads from history what waits in it, too',
    file: 'core/watch/watcher.ts',
    find: `      this.#nextRevision = batch.revision;
      this.#state = 'catchingUp';`,
    replace: `      this.#nextRevision = (this.#queue[0] ?? batch).revision;
      this.#state = 'catchingUp';`,
    layers: ['sim', 'jest:core/watch/hub.test.ts', 'jest:core/watch/hub.property.test.ts'],
  },
  {
    name: 'future-watch-delivers-earlier-events',
    rows: [67],
    what: 'a watch from a revision to come delivers what happens before it',
    file: 'core/watch/watcher.ts',
    find: `    if (batch.revision < this.#nextRevision) return false;
`,
    replace: ``,
    layers: ['sim', 'jest:core/watch/hub.test.ts', 'jest:core/watch/hub.property.test.ts'],
  },
];
