import type { Prng } from '../../../base/prng.js';
import type { MemberProcess } from '../../cluster/member-process.js';
import type { ProcessCluster } from '../../cluster/process-cluster.js';
import type { Equipment } from '../equipment/equipment.js';

/** What a fault meets when it strikes. */
export interface Strike {
  readonly cluster: ProcessCluster;
  /** On whom it falls: the leader in every second case, if there is one. */
  readonly victim: MemberProcess;
  readonly other: MemberProcess;
  readonly prng: Prng;
  readonly equipment: Equipment;
  /** Lets it last for a while. */
  readonly last: () => Promise<void>;
  readonly tell: (what: string) => void;
}

/**
 * Something that happens to a cluster. What it broke is whole again when its promise has resolved; what it had no opportunity to
 * break it answers with `false`.
 */
export interface Fault {
  readonly name: string;
  /** At any moment one of each group is at work. */
  readonly group: 'process' | 'surroundings';
  /** It takes all the failures that the cluster can bear, so nothing else happens meanwhile. */
  readonly isAlone?: boolean;
  /** Why it cannot be had here, if so. */
  readonly whyNot?: (equipment: Equipment) => string | undefined;
  readonly strike: (strike: Strike) => Promise<boolean | void>;
}
