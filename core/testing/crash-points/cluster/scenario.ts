import type { StartOptions } from '../../../server/start-member.js';
import type { Cluster } from './cluster.js';

/** Something short that a cluster goes through, and in which one of its members, the victim, may crash. */
export interface ClusterScenario {
  /** In a few words; unique. */
  readonly name: string;
  /** Of all members, in all their lives. */
  readonly settings?: StartOptions;
  /** Brings the cluster to where the scenario begins. Nothing goes wrong meanwhile. */
  readonly before: (cluster: Cluster) => Promise<void>;
  /** In which the victim may crash. */
  readonly act: (cluster: Cluster) => Promise<void>;
  /** With what the victim is started again after a crash, beside what it always is. */
  readonly restart?: StartOptions;
  /** Whether the victim belongs to the cluster from beginning to end. Default: true. */
  readonly staysMember?: boolean;
}
