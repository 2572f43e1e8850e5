import type { Mutant } from '../mutant.js';

/** Who may do what, and what is refused while something is wrong. */
export const ACCESS_MUTANTS: readonly Mutant[] = [
  {
    name: 'nested-operations-unchecked',
    rows: [102],
    what: 'whoever may do a transaction may do whatever stands in transactions within it',
    file: 'core/auth/needs.ts',
    find: `      for (const inner of operation.success) assertMayDo(rights, inner, keysOf);`,
    replace: `      for (const inner of operation.success) if (inner.type !== 'txn') assertMayDo(rights, inner, keysOf);`,
    layers: ['jest:core/auth/needs.test.ts', 'fuzz:guarded-calls', 'jest:core/server/access.test.ts'],
  },
  {
    name: 'previous-value-unchecked',
    rows: [102],
    what: 'a put tells the value before to those who may only write',
    file: 'core/auth/needs.ts',
    find: `      if (operation.previous) assertMayRead(rights, { key: operation.key });
`,
    replace: ``,
    layers: ['jest:core/auth/needs.test.ts', 'jest:core/server/access.test.ts'],
  },
  {
    name: 'watch-of-a-range-checked-as-one-key',
    rows: [103],
    what: 'a right to read one key lets all keys be watched that follow it',
    file: 'core/member/permissions.ts',
    find: `  const range = { type: 'range' as const, key, ...(end !== undefined && { end }) };`,
    replace: `  const range = { type: 'range' as const, key, ...(end === undefined && { end: undefined as never }) };`,
    layers: ['jest:core/server/access.test.ts'],
  },
  {
    name: 'watch-outlives-its-right',
    rows: [],
    what: 'a watcher goes on to be told what its caller may not see any more',
    file: 'core/member/guarded-watcher.ts',
    find: `      this.#denial = error as CoordinationError;
      this.cancel();
      this.#onReady();`,
    replace: `      void error;`,
    layers: ['jest:core/member/callers.test.ts'],
  },
  {
    name: 'token-outlives-its-password',
    rows: [],
    what: 'a token goes on after its user was given another password',
    file: 'core/auth/auth.ts',
    find: `    const validFrom = this.#next(records);
    this.#saveUser({ ...user, ...(user.passwordHash !== undefined && { passwordHash }), validFrom }, records);`,
    replace: `    this.#next(records);
    this.#saveUser({ ...user, ...(user.passwordHash !== undefined && { passwordHash }) }, records);`,
    layers: ['jest:core/auth/auth.test.ts', 'jest:core/member/callers.test.ts'],
  },
  {
    name: 'roles-kept-in-memory',
    rows: [8],
    what: 'a member that restarts has forgotten what roles allow, and the others have not',
    file: 'core/auth/auth.ts',
    find: `    this.#roles.set(role.name, role);
    records.saveRole(role);`,
    replace: `    if (role.permissions.length === 0) records.saveRole(role);
    this.#roles.set(role.name, role);`,
    layers: ['jest:core/auth/auth.test.ts', 'jest:core/machine/callers.test.ts'],
  },
  {
    name: 'lease-ended-without-a-right-to-its-keys',
    rows: [102],
    what: 'whoever is known may end any lease, and the keys of others with it',
    file: 'core/machine/machine.ts',
    find: `        return assertMayEnd(rights, this.keysOfLease(command.id));`,
    replace: `        return;`,
    layers: ['jest:core/machine/callers.test.ts', 'fuzz:guarded-calls', 'jest:core/server/access.test.ts'],
  },
  {
    name: 'hash-told-to-anybody',
    rows: [104],
    what: 'a call of maintenance asks nobody who they are',
    file: 'core/member/guarded-member.ts',
    find: `    isRoot(this.#caller, 'have the keys hashed')(this.#machine);
`,
    replace: ``,
    layers: ['jest:core/server/access.test.ts'],
  },
  {
    name: 'alarm-forgotten-at-a-restart',
    rows: [],
    what: 'a member that restarts takes what the others refuse while an alarm is raised',
    file: 'core/machine/alarms.ts',
    find: `    return new Alarms(readAlarms(view));`,
    replace: `    return new Alarms([]);`,
    layers: ['jest:core/machine/alarms.test.ts', 'jest:core/member/alarms.test.ts'],
  },
  {
    name: 'deletions-refused-without-space',
    rows: [99],
    what: 'without space nothing is taken, not even what would make some',
    file: 'core/machine/alarms.ts',
    find: `    if (spaceCost(command) > 0 && isRaised('NOSPACE')) throw new NoSpaceError();`,
    replace: `    if (isRaised('NOSPACE')) throw new NoSpaceError();`,
    layers: ['jest:core/machine/alarms.test.ts', 'jest:core/member/space-keeper.test.ts'],
  },
];
