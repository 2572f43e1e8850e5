import { Auth } from '../auth/auth.js';
import { assertMayDo, assertMayEnd } from '../auth/needs.js';
import type { Caller } from '../auth/types.js';
import type { Backend, Batch } from '../backend/backend.js';
import { assert, unreachable } from '../base/assert.js';
import { CoordinationError, PermissionDeniedError } from '../base/errors.js';
import { type Event, type LeaseId, NO_LEASE } from '../base/key-value.js';
import type {
  RangePage,
  RangePageRequest,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
} from '../base/operation.js';
import { Lessor } from '../lease/lessor.js';
import type { RevisionEvents } from '../mvcc/history.js';
import { Keyspace } from '../mvcc/keyspace.js';
import { WatchHub, type WatchSettings } from '../watch/hub.js';
import { Alarms } from './alarms.js';
import { readAppliedPosition, writeAppliedPosition } from './applied-position.js';
import { recordsIn, readAuth } from './auth-records.js';
import { decodeCommand } from './codec.js';
import { Membership } from './membership.js';
import { OperationCounts } from './operation-counts.js';
import { RecentHashes } from './recent-hashes.js';
import { HashingBatch, RunningHash } from './running-hash.js';
import type { Applied, CallerCommand, Command, CommandResult, LogEntry } from './types.js';

export interface MachineSettings {
  readonly watch: WatchSettings;
}

/**
 * The replicated state machine: keys, leases, members, users, alarms and the place in the log up to which they hold, over one
 * backend.
 * The same entries give the same bytes and the same results on every member, however they are grouped: it knows no clock,
 * no chance and nothing that waits.
 *
 * Data, leases, membership, applied index and term change in one backend write, so that whatever a crash leaves of the
 * backend is the state after exactly one entry, and the log goes on from there. With them goes a hash of everything that
 * was ever applied, by which members can tell that one of them went another way.
 */
export class Machine {
  readonly keyspace: Keyspace;
  readonly lessor: Lessor;
  readonly membership: Membership;
  readonly auth: Auth;
  readonly alarms: Alarms;
  readonly watch: WatchHub;
  /** What was carried out here, for metrics. */
  readonly operations = new OperationCounts();
  /**
   * Is told of what each revision has changed, as soon as it is applied: what was there before can still be read. For who
   * keeps count of something; it must not change anything.
   */
  onWritten: ((events: readonly Event[]) => void) | undefined;
  readonly #backend: Backend;
  readonly #leaseExists: (id: LeaseId) => boolean;
  readonly #hash: RunningHash;
  readonly #recentHashes: RecentHashes;
  #appliedIndex: number;
  #appliedTerm: number;

  private constructor(backend: Backend, settings: MachineSettings, watch: WatchHub | undefined) {
    const { index, term, hash } = readAppliedPosition(backend);
    this.#backend = backend;
    this.#appliedIndex = index;
    this.#appliedTerm = term;
    this.#hash = new RunningHash(hash);
    this.#recentHashes = new RecentHashes(index, hash);
    this.keyspace = Keyspace.open(backend);
    this.lessor = Lessor.open(backend, this.keyspace.leasedKeys());
    this.membership = Membership.open(backend);
    this.auth = new Auth(readAuth(backend));
    this.alarms = Alarms.open(backend);
    this.watch = watch ?? new WatchHub(this.keyspace, settings.watch);
    this.#leaseExists = (id) => this.lessor.has(id);
    // Last, for the watchers may look at once.
    watch?.moveTo(this.keyspace);
  }

  /**
   * Restores the state that the backend holds; a fresh one holds none.
   *
   * @param watch - the hub of the machine whose place this one takes: its watchers go on with what this one holds
   * @throws {@link InvariantError} if the backend does not hold what a machine wrote
   */
  static open(backend: Backend, settings: MachineSettings, watch?: WatchHub): Machine {
    return new Machine(backend, settings, watch);
  }

  /** The index of the last entry that was applied, 0 if none was. */
  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** The term of that entry. */
  get appliedTerm(): number {
    return this.#appliedTerm;
  }

  /** The running hash after that entry: a whole number of 53 bits; 0 if none was applied. */
  get appliedHash(): number {
    return this.#hash.value;
  }

  /**
   * The running hash after an entry; `undefined` if it was not applied yet, was applied before the start, or is not among
   * the last {@link RECENT_HASHES}.
   */
  stateHash(index: number): number | undefined {
    return this.#recentHashes.at(index);
  }

  /**
   * Carries out committed entries, which follow upon the applied index without a gap, in one backend write; then tells
   * the watchers and those who listen to the membership. A command that fails uses up its index and changes nothing: its
   * error is its result.
   *
   * @returns for each entry what became of its command; `undefined` for an entry without one
   * @throws {@link InvariantError} if an entry was applied before, is missing, or cannot be read. The machine must not be
   * used any more then; the backend has not changed
   */
  applyAll(entries: readonly LogEntry[]): readonly (Applied | undefined)[] {
    const last = entries.at(-1);
    if (last === undefined) return [];
    const outcomes: (Applied | undefined)[] = [];
    const revisions: RevisionEvents[] = [];
    this.#backend.write((batch) => {
      const hashing = new HashingBatch(batch, this.#hash);
      for (const entry of entries) {
        outcomes.push(this.#apply(entry, hashing, revisions));
        this.#hash.endEntry(entry.index, entry.term);
        this.#recentHashes.add(this.#hash.value);
      }
      writeAppliedPosition(batch, { index: last.index, term: last.term, hash: this.#hash.value });
    });
    this.membership.announce();
    // Before the watchers, so that who may not watch any more is not told what was written since.
    this.auth.announce();
    this.watch.publish(revisions);
    return outcomes;
  }

  /**
   * Checks that a caller may have a command carried out, or a range read, on the state as it is.
   *
   * @throws what {@link Auth.rightsOf} throws, and {@link PermissionDeniedError}
   */
  assertMay(caller: Caller, command: CallerCommand | RangeRequest): void {
    const rights = this.auth.rightsOf(caller);
    if (rights === undefined || rights.isRoot) return;
    switch (command.type) {
      case 'range':
      case 'put':
      case 'delete':
      case 'txn':
        return assertMayDo(rights, command, this.keysOfLease);
      case 'leaseGrant':
        return;
      case 'leaseRevoke':
        return assertMayEnd(rights, this.keysOfLease(command.id));
      case 'compact':
        throw new PermissionDeniedError('compact the history');
      case 'auth':
        throw new PermissionDeniedError('change users and roles');
      default:
        return unreachable(command);
    }
  }

  /** As {@link Keyspace.range}, and counted. */
  range(request: RangeRequest): RangeResult {
    return this.operations.add(this.keyspace.range(request));
  }

  /** As {@link Keyspace.rangePage}, and counted. */
  rangePage(request: RangePageRequest): RangePage {
    this.operations.addPage();
    return this.keyspace.rangePage(request);
  }

  /** As {@link Keyspace.readTxn}, and counted. */
  readTxn(request: TxnRequest): TxnResult {
    return this.operations.add(this.keyspace.readTxn(request));
  }

  /** The keys that live by a lease; none if it does not exist. */
  readonly keysOfLease = (id: LeaseId): readonly Uint8Array[] => (this.lessor.has(id) ? this.lessor.keys(id) : []);

  /**
   * Frees at most `max` records that compaction has left unreadable, in a write of its own: nothing that can be read
   * changes, so it is no entry, and each member does it when it has time.
   *
   * @returns whether more is left
   */
  scrub(max: number): boolean {
    let isMoreLeft = false;
    this.#backend.write((batch) => {
      isMoreLeft = this.keyspace.scrub(batch, max);
    });
    return isMoreLeft;
  }

  #apply({ index, term, data, kind }: LogEntry, batch: Batch, revisions: RevisionEvents[]): Applied | undefined {
    assert(index === this.#appliedIndex + 1, 'entries are applied once, in order and without a gap');
    assert(term >= this.#appliedTerm, 'terms never decrease along the log');
    this.#appliedIndex = index;
    this.#appliedTerm = term;
    if (kind === 'configuration') return { index, result: this.#configure(data, batch) };
    if (data.length === 0) return undefined;
    const command = decodeCommand(data);
    try {
      return { index, result: this.#execute(command, batch, revisions) };
    } catch (error) {
      if (error instanceof CoordinationError) return { index, error };
      throw error;
    }
  }

  #execute(command: Command, batch: Batch, revisions: RevisionEvents[]): CommandResult {
    if (command.type !== 'callers') this.alarms.assertTakes(command);
    switch (command.type) {
      case 'callers':
        this.assertMay(command.caller, command.command);
        return this.#execute(command.command, batch, revisions);
      case 'auth':
        this.auth.apply(command.change, this.#appliedIndex, recordsIn(batch));
        return { type: 'auth', revision: this.keyspace.revision, index: this.#appliedIndex };
      case 'put':
      case 'delete':
      case 'txn':
        return this.#write(command, batch, revisions);
      case 'compact':
        this.keyspace.compact(command.revision, batch);
        return { type: 'compact', revision: this.keyspace.revision };
      case 'leaseGrant': {
        const { id, ttlSeconds } = command;
        this.lessor.grant(id, ttlSeconds, batch);
        return { type: 'leaseGrant', revision: this.keyspace.revision, id, ttlSeconds };
      }
      case 'leaseRevoke':
        this.#revoke(command.id, batch, revisions);
        return { type: 'leaseRevoke', revision: this.keyspace.revision };
      case 'alarm':
        return { type: 'alarm', revision: this.keyspace.revision, alarm: this.alarms.apply(command, batch) };
      case 'memberUpdate':
        this.membership.update(command, batch);
        return { type: 'memberUpdate', revision: this.keyspace.revision, members: this.membership.members };
      case 'memberPublish':
        this.membership.publish(command, batch);
        return { type: 'memberPublish', revision: this.keyspace.revision, members: this.membership.members };
      default:
        return unreachable(command);
    }
  }

  #configure(data: Uint8Array, batch: Batch): CommandResult {
    this.membership.configure(data, batch);
    return { type: 'configuration', revision: this.keyspace.revision, members: this.membership.members };
  }

  #write(
    request: Extract<Command, { type: 'put' | 'delete' | 'txn' }>,
    batch: Batch,
    revisions: RevisionEvents[],
  ): CommandResult {
    const writer = this.keyspace.begin(batch, this.#leaseExists);
    // A writer whose operation throws is dropped here, and with it all that it would have changed.
    const result =
      request.type === 'put'
        ? writer.put(request)
        : request.type === 'delete'
          ? writer.delete(request)
          : writer.txn(request);
    this.#finish(writer.finish(), revisions);
    return this.operations.add(result);
  }

  /** All keys of a lease go in one revision, with the lease itself; without keys there is no revision. */
  #revoke(id: LeaseId, batch: Batch, revisions: RevisionEvents[]): void {
    const keys = this.lessor.revoke(id, batch);
    const writer = this.keyspace.begin(batch);
    for (const key of keys) {
      const { deleted } = writer.delete({ type: 'delete', key });
      assert(deleted === 1, 'a key that lives by a lease exists');
    }
    this.operations.addRevoked(keys.length);
    this.#finish(writer.finish(), revisions);
  }

  #finish(events: readonly Event[], revisions: RevisionEvents[]): void {
    if (events.length === 0) return;
    for (const { kv } of events) {
      if (kv.lease !== NO_LEASE) this.lessor.attach(kv.key, kv.lease);
      // A key's first version has no lease to lose.
      else if (kv.version !== 1) this.lessor.detach(kv.key);
    }
    this.onWritten?.(events);
    revisions.push({ revision: this.keyspace.revision, events });
  }
}
