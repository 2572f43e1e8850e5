/**
 * Whether a version of etcd has what another brought.
 *
 * @param since - such as `3.6`, or `3.4.38 3.5.24 3.6.6` for what was brought to several branches
 */
export function isSince(version: string, since: string): boolean {
  const own = numbersOf(version);
  const branches = since.split(' ').map(numbersOf);
  const branch = branches.find(([major, minor]) => major === own[0] && minor === own[1]);
  const from = branch ?? branches.at(-1) ?? [];
  return compare(own, from) >= 0;
}

function numbersOf(version: string): number[] {
  return version.split('.').map(Number);
}

function compare(own: readonly number[], from: readonly number[]): number {
  for (const [at, number] of from.entries()) {
    const difference = (own[at] ?? 0) - number;
    if (difference !== 0) return difference;
  }
  return 0;
}
