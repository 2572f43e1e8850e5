/** Flags of etcd's that Conclave does not have. Saying so by name spares whoever moves over a search. */
import { SERVE_FLAGS, variableOf } from './serve-flags.js';

const LACKING = new Set([
  ...['backend-batch-interval', 'backend-batch-limit', 'bcrypt-cost'],
  ...['bootstrap-defrag-threshold-megabytes', 'client-cert-allowed-hostname'],
  ...['client-cert-file', 'client-key-file', 'compact-hash-check-time'],
  ...['compaction-batch-limit', 'compaction-sleep-interval', 'config-file', 'corrupt-check-time', 'debug'],
  ...['discovery', 'discovery-endpoints', 'discovery-fallback', 'discovery-proxy', 'discovery-srv'],
  ...['discovery-srv-name', 'discovery-token', 'distributed-tracing-address', 'downgrade-check-time'],
  ...['enable-distributed-tracing', 'enable-grpc-gateway', 'enable-log-rotation', 'enable-pprof', 'enable-v2'],
  ...['feature-gates', 'grpc-keepalive-interval', 'grpc-keepalive-min-time', 'grpc-keepalive-timeout'],
  ...['initial-election-tick-advance'],
  ...['listen-metrics-urls', 'log-format', 'log-outputs', 'log-package-levels', 'log-rotation-config-json', 'logger'],
  ...['max-concurrent-streams', 'max-snapshots', 'max-txn-ops', 'max-wals', 'memory-mlock', 'metrics'],
  ...['peer-client-cert-file'],
  ...['peer-client-key-file', 'peer-skip-client-san-verification', 'proxy', 'proxy-dial-timeout'],
  ...['proxy-failure-wait', 'proxy-read-timeout', 'proxy-refresh-interval', 'proxy-write-timeout'],
  ...['raft-read-timeout', 'raft-write-timeout'],
  ...['snapshot-count', 'socket-reuse-address', 'socket-reuse-port'],
  ...['unsafe-no-fsync', 'v2-deprecation', 'wal-dir', 'warning-apply-duration'],
  ...['warning-unary-request-duration', 'watch-progress-notify-interval'],
]);

/** Whether etcd has a flag of this name, without its dashes, that Conclave does not have. */
export function isLacking(name: string): boolean {
  return LACKING.has(name) || name.startsWith('experimental-');
}

/** What to say of it. */
export function lackingText(name: string): string {
  return `etcd has --${name}, Conclave does not have it yet`;
}

/**
 * A warning for each variable that is meant for etcd and has no effect here. They are not fatal, as with etcd: one
 * environment may serve several programs.
 */
export function variableWarnings(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const known = new Set(Object.keys(SERVE_FLAGS).map(variableOf));
  return Object.keys(env)
    .filter((name) => name.startsWith('ETCD_') && !known.has(name))
    .sort()
    .map((name) => {
      const flag = name.slice('ETCD_'.length).toLowerCase().replaceAll('_', '-');
      return isLacking(flag)
        ? `${name} has no effect: ${lackingText(flag)}`
        : `${name} has no effect: there is no such flag`;
    });
}

/**
 * Flags as the parser wants them: Go's take one dash or two.
 *
 * @returns the name of the first flag among them that etcd has and Conclave does not, if any
 */
export function normalize(args: readonly string[]): { readonly args: readonly string[]; readonly lacking?: string } {
  const normal = args.map((arg) => (/^-[a-z][a-z0-9-]/.test(arg) ? `-${arg}` : arg));
  const lacking = normal
    .map((arg) => /^--([a-z0-9-]+)(?:=.*)?$/s.exec(arg)?.[1])
    .find((name) => name && isLacking(name));
  return lacking === undefined ? { args: normal } : { args: normal, lacking };
}
