/** A bug that a store like this one has had in the field. */
export interface Row {
  readonly bug: string;
  /** Where it was reported or described. */
  readonly source: string;
  /** Why no mutant brings it back, where none can. */
  readonly without?: string;
}

/** The bugs that mutants stand for, by their number in the project's catalogue, which is why there are gaps. */
export const ROWS = {
  1: { bug: 'the applied index was durable before the data of its entry', source: 'etcd#13766, #13514' },
  2: { bug: 'a write was acknowledged before the log was synced', source: 'etcd#14370' },
  3: { bug: 'a crash while one database took the place of another left the wrong one', source: 'etcd#14685, #11613' },
  4: { bug: 'work on the database went on while a snapshot replaced it', source: 'etcd#20650' },
  5: { bug: 'the revision went down after a deletion, a compaction and a restart', source: 'etcd#17780' },
  8: { bug: 'members differed after users were administered', source: 'etcd#11651, #13503' },
  9: { bug: 'a transaction that read a compacted revision was applied otherwise by each member', source: 'etcd#18667' },
  10: { bug: 'a transaction that failed half-way was kept in part', source: 'etcd#18679' },
  14: { bug: 'entries that had been cut off came back when the log was read', source: 'etcd#22442' },
  15: { bug: 'the repair of a torn last write refused, or dropped what was good', source: 'etcd#5230, #11488' },
  16: { bug: 'damage in the middle of the log was taken for a torn end', source: 'Alagappan et al., FAST 2018' },
  18: { bug: 'a failure while the log was begun left what kept it from starting again', source: 'etcd#10688' },
  19: { bug: 'a failed sync was ignored, or tried again', source: 'Rebello et al., ATC 2020' },
  21: { bug: 'the log and the snapshot did not agree after a crash between them', source: 'etcd#11888' },
  22: { bug: 'a length that was not checked ended the process', source: 'etcd audit 2020, TOB-006 and 007' },
  23: { bug: 'a member without its disk came back under its old id', source: 'etcd#16220, #13509' },
  24: { bug: 'a snapshot cut off entries that were newer than it', source: 'etcd#1763' },
  29: { bug: 'a member forgot, or went back behind, a term or a vote', source: 'ZOOKEEPER-582' },
  30: {
    bug: 'a member with a poor connection deposed one leader after the other',
    source: 'Cloudflare 2020; etcd#8129',
  },
  31: { bug: 'a candidate of an earlier term was never told of the present one', source: 'etcd#8243' },
  32: {
    bug: 'a member of a later term and a leader of an earlier one kept each other from leading',
    source: 'etcd#8334',
  },
  33: { bug: 'the ends of two logs were compared in the wrong order', source: 'openraft a48a3282' },
  34: { bug: 'a vote that arrived twice was counted twice', source: 'a known mistake in implementations of Raft' },
  35: {
    bug: 'an entry of an earlier term was committed by counting copies',
    source: 'LogCabin #44; Ongaro 2014, figure 3.7',
  },
  36: { bug: 'an old message cut off entries that were acknowledged', source: 'openraft 9540c904' },
  37: { bug: 'entries were taken that did not follow the last one', source: 'LogCabin #160' },
  38: {
    bug: 'members were changed by a leader that had committed nothing in its term',
    source: 'raft-dev 2015, erratum to Ongaro 2014',
  },
  40: {
    bug: 'a joint configuration was left too early, never, or was lost in a restart',
    source: 'etcd-io/raft e515a67, bd3c759; etcd#12136',
  },
  41: { bug: 'reads were confirmed by one member too few', source: 'openraft d60f1e85' },
  42: { bug: 'a new leader answered reads before it knew what was committed', source: 'etcd#7331, #14258' },
  43: { bug: 'the answer to an earlier question confirmed a later read', source: 'etcd#20418' },
  44: { bug: 'a leader answered reads by a lease that had run out', source: 'raft-rs#141, tikv#9351' },
  45: { bug: 'durations were measured on the wall clock', source: 'tikv#964, #4680' },
  46: { bug: 'what did not fit into one page was skipped', source: 'cockroach#28918' },
  47: { bug: 'a vote by itself was not synced', source: 'etcd-io/raft 0675f3d' },
  49: { bug: 'a leader whose disk hung went on with its heartbeats', source: 'hashicorp/raft#503, etcd#13527' },
  51: { bug: "a follower kept its own entry at a snapshot's last index", source: 'hashicorp/raft#697' },
  53: { bug: 'a member that was removed went on starting elections', source: 'hashicorp/raft#524' },
  55: { bug: 'a learner counted, or voted, before it was promoted', source: 'etcd#18347' },
  57: { bug: 'members that were removed came back from what was stored', source: 'etcd#13196, #20967' },
  59: {
    bug: 'what was under way to a follower was never taken off, so that it got nothing more',
    source: 'etcd-io/raft#54',
  },
  60: { bug: 'the cut of the log in memory was made at the wrong place', source: 'cockroach#63302' },
  62: { bug: 'a slow watcher missed events that were compacted, and was not told', source: 'etcd#17529' },
  63: { bug: 'a deletion at the compacted revision was dropped', source: 'etcd#18089, #19179' },
  64: { bug: 'progress was promised for a revision whose events had not been sent', source: 'etcd#15220' },
  65: { bug: 'watches went back, or were lost, when a snapshot was installed', source: 'etcd#15271, #9281' },
  66: { bug: 'events were delivered twice', source: 'etcd#15274' },
  67: { bug: 'a watch from a revision to come delivered earlier events', source: 'etcd#20221' },
  71: { bug: 'a client went on watching past a compaction and said nothing', source: 'etcd#8668' },
  72: { bug: 'a leader that had been deposed ended leases that were renewed elsewhere', source: 'etcd#12528, #15247' },
  73: { bug: 'a renewal was acknowledged of a lease that was being revoked', source: 'etcd#20615' },
  75: { bug: 'a step of the wall clock ended leases', source: 'etcd#12291' },
  80: {
    bug: 'the loss of a lease went unnoticed on a connection that only seemed open',
    source: 'microsoft/etcd3#110',
  },
  81: {
    bug: 'keys outlived their session, or went with a session that was not theirs',
    source: 'ZOOKEEPER-2355, CURATOR-604',
  },
  82: { bug: 'a lock was granted to a session that had ended', source: 'etcd#11456' },
  83: { bug: 'two held a lock, and nothing kept the first from writing', source: 'etcd#10811; Kleppmann 2016' },
  84: { bug: 'an unlock took away what another acquisition held', source: 'etcd#22082' },
  85: { bug: 'a cancelled acquisition left its key behind', source: 'etcd#10153' },
  88: { bug: 'a barrier opened at the wrong count', source: 'etcd#16188' },
  89: { bug: 'a client repeated a write whose answer was lost', source: 'jetcd#1444, etcd#14890' },
  90: { bug: 'a client stayed with a member that did not serve', source: 'etcd#8660' },
  99: { bug: 'without space, what would have made some was refused, too', source: 'etcd#14254' },
  102: {
    bug: 'a nested operation, a previous value or the keys of a lease were not checked for permission',
    source: 'CVE-2026-33343, CVE-2026-44283',
  },
  103: { bug: 'a watch on one permitted key delivered others', source: 'GHSA-xg4h-6gfc-h4m8' },
  104: { bug: 'calls of maintenance were answered to anybody', source: 'CVE-2026-33413' },
} as const satisfies Readonly<Record<number, Row>>;

export type RowId = keyof typeof ROWS;
