import type { Caller } from '../auth/types.js';
import type { Alarm, AlarmRequest } from '../base/alarm.js';
import type { Clock } from '../base/clock.js';
import type { LeaseId } from '../base/key-value.js';
import type {
  DeleteRequest,
  DeleteResult,
  LeaseStatus,
  PutRequest,
  PutResult,
  RangePage,
  RangePageRequest,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
} from '../base/operation.js';
import type { Machine } from '../machine/machine.js';
import type { CallerCommand, MemberInfo } from '../machine/types.js';
import { validateDelete, validatePut, validateTxn } from '../mvcc/validate.js';
import type { Snapshot } from '../snapshot/take-snapshot.js';
import type { WatchRequest } from '../watch/hub.js';
import type { AuthCalls } from './auth-calls.js';
import { GuardedWatcher } from './guarded-watcher.js';
import type { KvHash } from './kv-hash.js';
import type { Member, MemberStatus } from './member.js';
import { type Check, isKnown, isRoot, mayRenew, maySeeLease, mayWatch } from './permissions.js';
import type { Replica } from './replica.js';

/** What a {@link GuardedMember} stands on. */
export interface GuardedMemberParts {
  readonly member: Member;
  readonly replica: Replica;
  readonly auth: AuthCalls;
  /** All watchers of all callers, of whom it may turn out that they may not watch any more. */
  readonly watchers: Set<GuardedWatcher>;
}

/**
 * A member as one caller from outside may use it: the same calls, each with its check. What is not listed here cannot
 * be called at all.
 *
 * Reads are checked in the very state that is read. Writes are checked here, so that only what may be done takes a place
 * in the log, and again where they are applied, so that nothing slips in between. While nobody is asked who they are, no
 * check costs more than to see that.
 *
 * Beside what the member throws: {@link UserNameEmptyError}, {@link AuthRevisionOldError} and {@link PermissionDeniedError}.
 */
export class GuardedMember {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly clock: Clock;
  readonly stopped: Promise<Error | undefined>;
  /** Users and roles, as this caller may ask for them. */
  readonly auth: AuthCalls;
  readonly #member: Member;
  readonly #replica: Replica;
  readonly #caller: Caller;
  readonly #watchers: Set<GuardedWatcher>;

  constructor({ member, replica, auth, watchers }: GuardedMemberParts, caller: Caller) {
    this.clusterId = member.clusterId;
    this.memberId = member.memberId;
    this.clock = member.clock;
    this.stopped = member.stopped;
    this.auth = auth;
    this.#member = member;
    this.#replica = replica;
    this.#watchers = watchers;
    this.#caller = caller;
  }

  // --- For everybody: what every answer says, and whether there can be one -----------------------------------------------

  /** Who the caller is, where that is asked. */
  get user(): string | undefined {
    return this.#caller === 'nobody' ? undefined : this.#caller.name;
  }

  get term(): number {
    return this.#member.term;
  }

  get revision(): number {
    return this.#member.revision;
  }

  get leader(): bigint | undefined {
    return this.#member.leader;
  }

  get isLearner(): boolean {
    return this.#member.isLearner;
  }

  onLeadership(callback: (hasLeader: boolean) => void): () => void {
    return this.#member.onLeadership(callback);
  }

  // --- Keys: for those who have rights to them ----------------------------------------------------------------------------

  range(request: RangeRequest): Promise<RangeResult> {
    return this.#member.range(request, this.#caller);
  }

  rangePage(request: RangePageRequest): Promise<RangePage> {
    return this.#member.rangePage(request, this.#caller);
  }

  put(request: PutRequest): Promise<PutResult> {
    return this.#write(
      request,
      () => this.#member.put(request, this.#caller),
      () => validatePut(request),
    );
  }

  delete(request: DeleteRequest): Promise<DeleteResult> {
    return this.#write(
      request,
      () => this.#member.delete(request, this.#caller),
      () => validateDelete(request),
    );
  }

  txn(request: TxnRequest): Promise<TxnResult> {
    return this.#write(
      request,
      () => this.#member.txn(request, this.#caller),
      () => validateTxn(request),
    );
  }

  compact(revision: number, physical: boolean): Promise<{ revision: number }> {
    return this.#write({ type: 'compact', revision }, () => this.#member.compact(revision, physical, this.#caller));
  }

  /** Checked now, and whenever users or roles change: then it may give 'denied', which ends it. */
  watch(request: WatchRequest, onReady: () => void): GuardedWatcher {
    const check = mayWatch(this.#caller, request.target);
    check(this.#machine);
    const watcher = new GuardedWatcher(this.#member.watch(request, onReady), {
      check: () => check(this.#machine),
      onReady,
      onEnd: (ended) => this.#watchers.delete(ended),
    });
    this.#watchers.add(watcher);
    return watcher;
  }

  // --- Leases: for those who may write, or read, all that lives by them -----------------------------------------------------

  leaseGrant(id: LeaseId, ttlSeconds: number): Promise<{ revision: number; id: LeaseId; ttlSeconds: number }> {
    return this.#write({ type: 'leaseGrant', id, ttlSeconds: 1 }, () =>
      this.#member.leaseGrant(id, ttlSeconds, this.#caller),
    );
  }

  leaseRevoke(id: LeaseId): Promise<{ revision: number }> {
    return this.#write({ type: 'leaseRevoke', id }, () => this.#member.leaseRevoke(id, this.#caller));
  }

  async leaseKeepAlive(id: LeaseId): Promise<{ revision: number; ttlSeconds: number }> {
    await this.#confirm(mayRenew(this.#caller, id));
    return this.#member.leaseKeepAlive(id);
  }

  async leaseTimeToLive(id: LeaseId, keys: boolean): Promise<LeaseStatus & { revision: number }> {
    await this.#confirm(maySeeLease(this.#caller, id, keys));
    return this.#member.leaseTimeToLive(id, keys, this.#caller);
  }

  leases(): Promise<{ revision: number; ids: readonly LeaseId[] }> {
    return this.#member.leases(this.#caller);
  }

  // --- The members: told to whoever is known, changed by root ---------------------------------------------------------------

  async members(options: { readonly linearizable: boolean }): Promise<readonly MemberInfo[]> {
    if (options.linearizable) await this.#confirm(isKnown(this.#caller));
    else isKnown(this.#caller)(this.#machine);
    return this.#member.members(options);
  }

  async memberAdd(options: Parameters<Member['memberAdd']>[0]): ReturnType<Member['memberAdd']> {
    await this.#asRoot('add members');
    return this.#member.memberAdd(options);
  }

  async memberRemove(id: bigint): Promise<readonly MemberInfo[]> {
    await this.#asRoot('remove members');
    return this.#member.memberRemove(id);
  }

  async memberUpdate(id: bigint, peerUrls: readonly string[]): Promise<readonly MemberInfo[]> {
    await this.#asRoot('change members');
    return this.#member.memberUpdate(id, peerUrls);
  }

  async memberPromote(id: bigint): Promise<readonly MemberInfo[]> {
    await this.#asRoot('promote members');
    return this.#member.memberPromote(id);
  }

  // --- Maintenance: a member's own matters, also where it has no leader -----------------------------------------------------

  status(): MemberStatus {
    isKnown(this.#caller)(this.#machine);
    return this.#member.status();
  }

  async alarm(request: AlarmRequest): Promise<readonly Alarm[]> {
    if (request.action === 'get') await this.#confirm(isKnown(this.#caller));
    else await this.#asRoot('raise or end alarms');
    return this.#member.alarm(request);
  }

  snapshot(): Snapshot {
    isRoot(this.#caller, 'take a snapshot')(this.#machine);
    return this.#member.snapshot();
  }

  async defragment(): Promise<void> {
    isRoot(this.#caller, 'have the engine defragmented')(this.#machine);
    return this.#member.defragment();
  }

  async hashKv(revision: number): Promise<KvHash> {
    isRoot(this.#caller, 'have the keys hashed')(this.#machine);
    return this.#member.hashKv(revision);
  }

  async hash(): Promise<number> {
    isRoot(this.#caller, 'have the engine hashed')(this.#machine);
    return this.#member.hash();
  }

  async downgrade(...[action, version]: Parameters<Member['downgrade']>): Promise<void> {
    await this.#asRoot('downgrade the cluster');
    return this.#member.downgrade(action, version);
  }

  async moveLeader(to: bigint): Promise<void> {
    await this.#asRoot('move the leadership');
    return this.#member.moveLeader(to);
  }

  // --- How it is checked ----------------------------------------------------------------------------------------------------

  /** What is not allowed here may be elsewhere, where more is applied: so it is refused only by what a majority has. */
  async #write<T>(command: CallerCommand, propose: () => Promise<T>, validate?: () => void): Promise<T> {
    const check: Check = (machine) => machine.assertMay(this.#caller, command);
    if (!this.#passes(check)) {
      validate?.();
      await this.#replica.read(({ machine }) => check(machine));
    }
    return propose();
  }

  async #asRoot(what: string): Promise<void> {
    await this.#replica.read(({ machine }) => isRoot(this.#caller, what)(machine));
  }

  /** Checks what is not checked again later, in a state that is not behind; where anybody is asked at all. */
  async #confirm(check: Check): Promise<void> {
    if (this.#machine.auth.isEnabled) await this.#replica.read(({ machine }) => check(machine));
  }

  #passes(check: Check): boolean {
    try {
      check(this.#machine);
      return true;
    } catch {
      return false;
    }
  }

  get #machine(): Machine {
    return this.#replica.state.machine;
  }
}
