import { toText } from '../../base/bytes.js';
import { everything } from '../../base/key-range.js';
import { readMembership } from '../../machine/membership-record.js';
import type { Machine } from '../../machine/machine.js';
import type { State } from '../../member/state-store.js';
import { get } from '../../txn.js';

/**
 * All that can be read of a state, as text: every revision that is not compacted, the leases with their keys, the members.
 * Two states that differ for anybody differ in it; what compaction has freed, and has not yet, makes no difference.
 */
export function stateText({ machine, backend }: State): string {
  const { keyspace, lessor } = machine;
  const leases = lessor.ids().map((id) => `${id}:${lessor.ttlSeconds(id)}s ${lessor.keys(id).map(toText).join(',')}`);
  const { configuration, members, removed } = readMembership(backend);
  return [
    `revision ${keyspace.revision}, compacted at ${keyspace.compactRevision}`,
    ...historyOf(machine),
    `leases ${leases.sort().join('; ')}`,
    `members ${asText({ configuration, members, removed })}`,
  ].join('\n');
}

function historyOf({ keyspace }: Machine): readonly string[] {
  const lines: string[] = [];
  for (let revision = Math.max(1, keyspace.compactRevision); revision <= keyspace.revision; revision += 1) {
    const { kvs } = keyspace.range(get(everything(), { revision }));
    const shown = kvs.map(
      (kv) => `${toText(kv.key)}=${toText(kv.value)}@${kv.createRevision}/${kv.modRevision}/${kv.version}/${kv.lease}`,
    );
    lines.push(`${revision}: ${shown.join(' ')}`);
  }
  return lines;
}

function asText(value: object): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString(16) : inner));
}
