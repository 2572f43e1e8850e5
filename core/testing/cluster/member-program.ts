import { join } from 'node:path';
import { findEtcd } from '../etcd-process.js';

/** Everything that a member is told when it starts. */
export interface MemberSpec {
  readonly name: string;
  readonly dataDir: string;
  /** Where it serves clients. */
  readonly clientUrl: string;
  /** Where it listens for its peers, and where they are told to find it; a link with faults may lie between the two. */
  readonly listenPeerUrl: string;
  readonly peerUrl: string;
  /** `name=peerUrl,…` of all members. */
  readonly initialCluster: string;
  readonly token: string;
  readonly state: 'new' | 'existing';
  readonly flags: readonly string[];
  /** Beside the variables of this process. */
  readonly env: Readonly<Record<string, string>>;
}

/** What runs as a member: they take the same flags. */
export interface MemberProgram {
  readonly name: 'conclave' | 'etcd';
  /** Whether it promises that no lease ends early, whatever happens. */
  readonly keepsLeases: boolean;
  /** Flags by which so few entries are kept that a member which was away needs a snapshot. */
  readonly shortLog: readonly string[];
  command(spec: MemberSpec): { readonly file: string; readonly args: readonly string[] };
}

/** The command line as it was compiled. */
export const CONCLAVE_MAIN = join(process.cwd(), 'dist/core/cli/main.js');

/** `conclave serve`, as `npm run programs` compiled it. */
export const CONCLAVE: MemberProgram = {
  name: 'conclave',
  keepsLeases: true,
  shortLog: ['--snapshot-catchup-entries', '50'],
  command: (spec) => ({ file: process.execPath, args: [CONCLAVE_MAIN, 'serve', ...flagsOf(spec)] }),
};

/**
 * A real etcd, where one is on the PATH. A leader that was stopped for longer than a TTL, and is none any more, may revoke
 * leases that were renewed elsewhere.
 *
 * @see https://github.com/etcd-io/etcd/issues/15247
 */
export const ETCD: MemberProgram = {
  name: 'etcd',
  keepsLeases: false,
  // It keeps 5,000 entries more, whatever it is told.
  shortLog: ['--snapshot-count', '100'],
  command: (spec) => ({ file: findEtcd() ?? 'etcd', args: ['--pre-vote', ...flagsOf(spec)] }),
};

/**
 * What the cluster's tests run on: Conclave, or etcd where `CLUSTER_PROGRAM=etcd` says so. The tests are themselves tested by
 * running them on etcd.
 *
 * @throws if the variable names another program
 */
export function programUnderTest(): MemberProgram {
  const name = process.env['CLUSTER_PROGRAM'] ?? CONCLAVE.name;
  const program = [CONCLAVE, ETCD].find((one) => one.name === name);
  if (!program) throw new Error(`CLUSTER_PROGRAM is ${name}; it must be conclave or etcd`);
  return program;
}

function flagsOf(spec: MemberSpec): string[] {
  return [
    ...['--name', spec.name, '--data-dir', spec.dataDir],
    ...['--listen-client-urls', spec.clientUrl, '--advertise-client-urls', spec.clientUrl],
    ...['--listen-peer-urls', spec.listenPeerUrl, '--initial-advertise-peer-urls', spec.peerUrl],
    ...['--initial-cluster', spec.initialCluster, '--initial-cluster-state', spec.state],
    ...['--initial-cluster-token', spec.token],
    ...spec.flags,
  ];
}
