import type { Mutant } from '../mutant.js';

/** Leases: none ends early, and what lived by one goes with it. */
export const LEASE_MUTANTS: readonly Mutant[] = [
  {
    name: 'leases-ended-by-whoever-thinks-it-leads',
    rows: [72],
    what: 'a leader that was paused ends leases, through its successor, before anybody has confirmed that it leads',
    file: 'core/member/cluster-part.ts',
    find: `      asLeader: (work) => replica.asLeader(work),
      revoke: (id) => this.#revoke(id),`,
    replace: `      asLeader: async (work) => work(),
      revoke: (id) => replica.propose({ type: 'leaseRevoke', id }),`,
    layers: ['sim', 'jest:core/member/cluster-leases.test.ts', 'jest:core/member/leases.test.ts'],
  },
  {
    name: 'renewal-without-a-majority',
    rows: [72],
    what: 'a leader renews leases without a majority confirming that it leads',
    file: 'core/member/lease-keeper.ts',
    find: `    return this.#parts.asLeader(() => ids.map((id) => this.#renew(id)));`,
    replace: `    return Promise.resolve(ids.map((id) => this.#renew(id)));`,
    layers: ['sim', 'jest:core/member/lease-keeper.test.ts', 'jest:core/member/cluster-leases.test.ts'],
  },
  {
    name: 'renewal-of-a-lease-about-to-end',
    rows: [73],
    what: 'a renewal is acknowledged of a lease whose end is proposed already',
    file: 'core/lease/lessor.ts',
    find: `    if (lease.ending) throw new LeaseNotFoundError(id);
`,
    replace: ``,
    layers: ['sim', 'jest:core/lease/lessor.test.ts', 'jest:core/member/leases.test.ts'],
  },
  {
    name: 'leases-not-extended-by-a-new-leader',
    rows: [72],
    what: 'a new leader lets leases run out by what it knew when it last led, or not at all',
    file: 'core/member/lease-keeper.ts',
    find: `    this.#parts.lessor().extendAll(this.#parts.settings.electionTimeoutMs);
`,
    replace: ``,
    layers: ['sim', 'jest:core/member/lease-keeper.test.ts', 'jest:core/member/cluster-leases.test.ts'],
  },
  {
    name: 'leases-extended-by-their-ttl-only',
    rows: [72],
    what: 'a new leader does not add the time that the one before may have gone on renewing',
    file: 'core/member/lease-keeper.ts',
    find: `extendAll(this.#parts.settings.electionTimeoutMs);`,
    replace: `extendAll(0);`,
    layers: ['sim', 'jest:core/member/lease-keeper.test.ts', 'jest:core/member/cluster-leases.test.ts'],
  },
  {
    name: 'lease-ends-early',
    rows: [72],
    what: 'a lease counts as run out in the second in which it will',
    file: 'core/lease/lessor.ts',
    find: `      if (lease === undefined || lease.dueMs > nowMs) break;
      assert(lease.deadlineMs <= nowMs, 'a lease ends only after its whole TTL');`,
    replace: `      if (lease === undefined || lease.dueMs - 1_000 > nowMs) break;`,
    layers: ['sim', 'jest:core/lease/lessor.test.ts', 'jest:core/lease/lessor.property.test.ts'],
  },
  {
    name: 'renewal-does-nothing',
    rows: [73],
    what: 'a renewal is acknowledged, and the lease ends when it would have ended',
    file: 'core/lease/lessor.ts',
    find: `    this.#date(lease, nowMs);
    return lease.ttlSeconds;`,
    replace: `    if (this.#undated.has(lease)) this.#date(lease, nowMs);
    return lease.ttlSeconds;`,
    layers: ['sim', 'jest:core/lease/lessor.test.ts'],
  },
  {
    name: 'time-of-the-wall-clock',
    rows: [45, 75],
    what: 'the clock of a process is the wall clock, whose steps end leases or keep them',
    file: 'core/base/system-clock.ts',
    find: `  now: () => performance.now(),`,
    replace: `  now: () => Date.now(),`,
    layers: ['jest:core/base/system-clock.test.ts', 'jest:core/testing/cluster/faults/clock.test.ts'],
  },
  {
    name: 'key-keeps-its-old-lease',
    rows: [81],
    what: 'a key that is put without a lease still goes with the one it had',
    file: 'core/machine/machine.ts',
    find: `      else if (kv.version !== 1) this.lessor.detach(kv.key);
`,
    replace: ``,
    layers: ['sim', 'jest:core/machine/machine.test.ts', 'jest:core/machine/machine.property.test.ts'],
  },
  {
    name: 'keys-forget-their-lease-at-restart',
    rows: [81],
    what: 'after a restart the keys of a lease outlive it',
    file: 'core/lease/lessor.ts',
    find: `    for (const [key, id] of leasedKeys) lessor.attach(key, id);
`,
    replace: ``,
    layers: ['crash-points', 'sim', 'jest:core/lease/lessor.test.ts', 'jest:core/machine/machine.test.ts'],
  },
  {
    name: 'lease-granted-twice',
    rows: [81],
    what: 'a lease is granted though there is one of this id, which then has no end',
    file: 'core/lease/lessor.ts',
    find: `    if (this.#leases.has(id)) throw new LeaseExistsError(id);
`,
    replace: ``,
    layers: ['sim', 'jest:core/lease/lessor.test.ts'],
  },
  {
    name: 'expired-leases-named-once',
    rows: [72, 81],
    what: 'a lease whose end could not be proposed is not named again, and never ends',
    file: 'core/lease/lessor.ts',
    find: `      this.#dated.set(lease, nowMs + REVOKE_RETRY_MS);`,
    replace: `      this.#dated.set(lease, nowMs + REVOKE_RETRY_MS * 1_000_000);`,
    layers: ['sim', 'jest:core/lease/lessor.test.ts'],
  },
];
