/**
 * How the log of a member begins, and how that of a lost cluster goes on. Every initial member writes the same first
 * entry: the configuration, and what is known of the members. So it is committed from the start, and whoever joins later
 * finds it where every log begins.
 */
import type { MemberInfo } from '../machine/types.js';
import { encodeMemberInfos } from '../machine/member-info.js';
import type { DurableLog } from '../member/durable-log.js';
import { encodeConfiguration } from '../raft/configuration.js';
import type { Entry, HardState, StoredLog } from '../raft/types.js';
import type { InitialCluster } from './cluster.js';

/** What a log holds. */
export interface Logged {
  readonly hardState: HardState;
  readonly storedLog: StoredLog;
}

const FIRST_TERM = 1;

/** Whether nothing was ever written to it. */
export function isFresh({ hardState, storedLog }: Logged): boolean {
  return hardState.term === 0 && storedLog.firstIndex === 1 && storedLog.entries.length === 0;
}

/** Writes the first entry of a cluster that begins. */
export async function begin(log: DurableLog, { configuration, members }: Omit<InitialCluster, 'clusterId'>) {
  const data = encodeConfiguration(configuration, encodeMemberInfos(members));
  const entry: Entry = { index: 1, term: FIRST_TERM, data, kind: 'configuration' };
  return goOn(log, { firstIndex: 1, previousTerm: 0, entries: [] }, entry);
}

/**
 * Makes one member the whole cluster. All that its log holds counts as committed: what of it was not, nobody is left to
 * say.
 */
export async function beginAlone(log: DurableLog, { hardState, storedLog }: Logged, member: MemberInfo) {
  const { firstIndex, entries } = storedLog;
  const configuration = { voters: [member.id], learners: [] };
  const entry: Entry = {
    index: firstIndex + entries.length,
    // A new term, so that the entry cannot be taken for one of the cluster that is left behind.
    term: hardState.term + 1,
    data: encodeConfiguration(configuration, encodeMemberInfos([member])),
    kind: 'configuration',
  };
  return goOn(log, storedLog, entry);
}

async function goOn(log: DurableLog, storedLog: StoredLog, entry: Entry): Promise<Logged> {
  const hardState: HardState = { term: entry.term, votedFor: 0n, commitIndex: entry.index };
  await log.append(hardState, [entry]);
  return { hardState, storedLog: { ...storedLog, entries: [...storedLog.entries, entry] } };
}
