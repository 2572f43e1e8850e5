import { setTimeout as delay } from 'node:timers/promises';
import { RawClient } from '../../../rpc/testing/raw-client.js';
import { methodNamed } from './methods.js';
import type { Expected, Fields, Varied } from './rule.js';
import { isSince } from './versions.js';

const READY_MS = 5_000;
const POLL_MS = 20;

/** Root's password in every case that has a root. */
export const ROOT_PASSWORD = 'root-password';

/** A server that listens: whose it is, and where. */
export interface Listening {
  readonly host: string;
  readonly port: number;
}

/** One server of a target, and what it is right for it to answer. */
export class ServerUnderTest {
  readonly client: RawClient;
  readonly url: string;
  readonly #etcdVersion: string | undefined;
  #clusterId: bigint | undefined;

  /** @param etcdVersion - of an etcd; undefined if it is Conclave */
  constructor({ host, port }: Listening, etcdVersion: string | undefined) {
    this.client = new RawClient({ host, port });
    this.url = `http://${host}:${port}`;
    this.#etcdVersion = etcdVersion;
  }

  /** What of an expectation is meant for this server. */
  pick<T>(expected: Expected<T>): T {
    const varied = expected as Varied<T> | { readonly kind: 'the same everywhere' };
    if (varied.kind === 'since') return this.pick(this.#has(varied.version) ? varied.newer : varied.older);
    if (varied.kind === 'on purpose') return this.pick(this.#etcdVersion === undefined ? varied.conclave : varied.etcd);
    return expected as T;
  }

  /**
   * The store's revision. A member may not know yet that the case before, on another one, has switched authentication off;
   * so it is asked for some seconds.
   */
  async revision(): Promise<bigint> {
    const deadlineMs = performance.now() + READY_MS;
    for (;;) {
      const answer = await this.#try('KV/Range', { key: Buffer.of(0), countOnly: true });
      const revision = (answer as { header?: { revision: number } } | undefined)?.header?.revision;
      if (revision !== undefined) return BigInt(revision);
      if (performance.now() > deadlineMs) throw new Error('the server does not tell its revision');
      await delay(POLL_MS);
    }
  }

  /** Removes what a case left. */
  async clear({ prefix, end, leases }: { prefix: string; end: string; leases: readonly bigint[] }): Promise<void> {
    await this.#try('KV/DeleteRange', { key: Buffer.from(prefix), rangeEnd: Buffer.from(end) });
    for (const ID of leases) await this.#try('Lease/LeaseRevoke', { ID });
  }

  /** Switches authentication off, and removes all users and roles. */
  async forgetUsers(): Promise<void> {
    const token = (await this.#try('Auth/Authenticate', { name: 'root', password: ROOT_PASSWORD })) as {
      token: string;
    };
    if (token) await this.#try('Auth/AuthDisable', {}, { token: token.token });
    const { users = [] } = ((await this.#try('Auth/UserList', {})) ?? {}) as { users?: string[] };
    for (const name of users) await this.#try('Auth/UserDelete', { name });
    const { roles = [] } = ((await this.#try('Auth/RoleList', {})) ?? {}) as { roles?: string[] };
    for (const role of roles) await this.#try('Auth/RoleDelete', { role });
  }

  /** Puts off what alarms are raised. */
  async putOffAlarms(): Promise<void> {
    const { alarms = [] } = ((await this.#try('Maintenance/Alarm', {})) ?? {}) as { alarms?: object[] };
    for (const alarm of alarms) await this.#try('Maintenance/Alarm', { ...alarm, action: 2 });
  }

  /** Whether a header says all that every header says; its revision is each case's own matter. */
  judgeHeader(header: Fields | undefined): string {
    if (!header) return 'none';
    const { clusterId, memberId, raftTerm, cluster_id, member_id, raft_term } = header as Record<string, bigint>;
    const cluster = clusterId ?? cluster_id;
    const missing = [
      ...(cluster === undefined ? ['cluster id'] : []),
      ...((memberId ?? member_id) === undefined ? ['member id'] : []),
      ...((raftTerm ?? raft_term) === undefined ? ['raft term'] : []),
    ];
    if (missing.length > 0) return `without ${missing.join(', ')}`;
    this.#clusterId ??= BigInt(cluster as bigint);
    return this.#clusterId === BigInt(cluster as bigint) ? 'complete' : 'of another cluster';
  }

  close(): void {
    this.client.close();
  }

  /** Conclave follows the newest. */
  #has(version: string): boolean {
    return this.#etcdVersion === undefined || isSince(this.#etcdVersion, version);
  }

  async #try(name: string, fields: object, headers: Record<string, string> = {}): Promise<object | undefined> {
    const method = methodNamed(name);
    const message = { ...method.requestDeserialize(Buffer.alloc(0)), ...fields };
    return this.client.unary(method, message, headers).catch(() => undefined);
  }
}
