import { compareBytes, toMapKey } from '../../../base/bytes.js';
import { CoordinationError } from '../../../base/errors.js';
import { contains } from '../../../base/key-range.js';
import type { Event, KeyRange, KeyValue, LeaseId } from '../../../base/key-value.js';
import type { TxnRequest } from '../../../base/operation.js';
import { decodeCommand } from '../../../machine/codec.js';
import { spaceCost } from '../../../machine/space-cost.js';
import type { AlarmCommand, Command } from '../../../machine/types.js';
import { KeyspaceModel } from '../../../mvcc/testing/keyspace-model.js';
import type { Entry } from '../../../raft/types.js';

/** What the store stands at after an entry. */
export interface Standing {
  readonly revision: number;
  readonly compactRevision: number;
}

export interface ChronicleListener {
  /** A revision was made. */
  revision?(revision: number, events: readonly Event[]): void;
  leaseGranted?(id: LeaseId, ttlSeconds: number): void;
  /** A lease was ended, by whomever; its keys go in the revision that is told next, if it had any. */
  leaseEnded?(id: LeaseId): void;
}

const FIRST_REVISION = 1;
/** Before anything was applied. */
const BEGINNING: Standing = { revision: FIRST_REVISION, compactRevision: 0 };

/**
 * What the committed log means, worked out by the model of the keyspace from the committed entries alone: the events of
 * every revision, every key as it was at any revision, the leases there are. It is complete as soon as an entry is
 * committed, so that whatever anybody is answered can be compared with it at once.
 */
export class Chronicle {
  readonly #listeners: ChronicleListener[] = [];
  readonly #leases = new Map<LeaseId, number>();
  /** What is raised, and of which member. */
  readonly #alarms = new Map<string, AlarmCommand>();
  readonly #keyspace = new KeyspaceModel((id) => this.#leases.has(id));
  /** Of each entry, by its index. */
  readonly #standings: Standing[] = [BEGINNING];
  /** Of each revision, from the first after {@link FIRST_REVISION}. */
  readonly #events: (readonly Event[])[] = [];
  /** Every version of every key, in order. */
  readonly #versions = new Map<string, Event[]>();

  /** The last entry that was taken in. */
  get index(): number {
    return this.#standings.length - 1;
  }

  get revision(): number {
    return this.#keyspace.revision;
  }

  get compactRevision(): number {
    return this.#keyspace.compactRevision;
  }

  get leases(): ReadonlyMap<LeaseId, number> {
    return this.#leases;
  }

  listen(listener: ChronicleListener): void {
    this.#listeners.push(listener);
  }

  /** Takes in the next committed entry. */
  commit({ data, kind }: Pick<Entry, 'data' | 'kind'>): void {
    if (kind === undefined && data.length > 0) this.#execute(decodeCommand(data));
    const { revision, compactRevision } = this;
    this.#standings.push({ revision, compactRevision });
  }

  /** How the store stands once the entry of this index is applied; `undefined` if that is not committed. */
  standingAt(index: number): Standing | undefined {
    return this.#standings[index];
  }

  /** What happened in a revision. */
  eventsOf(revision: number): readonly Event[] {
    return this.#events[revision - FIRST_REVISION - 1] ?? [];
  }

  /** A key as it was at a revision. */
  keyAt(key: Uint8Array, revision: number): KeyValue | undefined {
    return versionAt(this.#versions.get(toMapKey(key)) ?? [], revision);
  }

  /** The keys of a range as they were at a revision, in order. */
  rangeAt(target: KeyRange, revision: number): readonly KeyValue[] {
    if (target.end === undefined) {
      const kv = this.keyAt(target.key, revision);
      return kv === undefined ? [] : [kv];
    }
    const found: KeyValue[] = [];
    for (const versions of this.#versions.values()) {
      if (!contains(target, (versions[0] as Event).kv.key)) continue;
      const kv = versionAt(versions, revision);
      if (kv !== undefined) found.push(kv);
    }
    return found.sort((a, b) => compareBytes(a.key, b.key));
  }

  /** What befell the keys of a range in the revisions from `first` to `last`. */
  eventsBetween(target: KeyRange, first: number, last: number): readonly Event[] {
    const found: Event[] = [];
    for (let revision = Math.max(first, FIRST_REVISION + 1); revision <= last; revision += 1)
      for (const event of this.eventsOf(revision)) if (contains(target, event.kv.key)) found.push(event);
    return found;
  }

  /** A command that fails changes nothing, on any member. */
  #execute(command: Command): void {
    try {
      this.#carryOut(command);
    } catch (error) {
      if (!(error instanceof CoordinationError)) throw error;
    }
  }

  #carryOut(command: Command): void {
    if (this.#isRefused(command)) return;
    switch (command.type) {
      // Nobody enables authentication here, so every caller may do everything.
      case 'callers':
        return this.#carryOut(command.command);
      case 'put':
      case 'delete':
      case 'txn':
        return this.#happened(this.#keyspace.write(command).events);
      case 'compact':
        return this.#keyspace.compact(command.revision);
      case 'leaseGrant':
        return this.#grant(command.id, command.ttlSeconds);
      case 'leaseRevoke':
        return this.#revoke(command.id);
      case 'alarm':
        return this.#alarm(command);
      default:
      // What members publish of themselves is not in the keyspace.
    }
  }

  /** While an alarm is raised, what needs space is refused, or all that changes anything. */
  #isRefused(command: Command): boolean {
    if (command.type === 'alarm' || command.type === 'callers') return false;
    const kinds = [...this.#alarms.values()].map(({ alarm }) => alarm.kind);
    return kinds.includes('CORRUPT') || (kinds.includes('NOSPACE') && spaceCost(command) > 0);
  }

  #alarm(command: AlarmCommand): void {
    const { action, alarm, endsItself } = command;
    const name = `${alarm.kind} of ${alarm.memberId}`;
    const known = this.#alarms.get(name);
    if (action === 'end') {
      if (!endsItself || known?.endsItself) this.#alarms.delete(name);
    } else if (known === undefined || !endsItself) this.#alarms.set(name, command);
  }

  #grant(id: LeaseId, ttlSeconds: number): void {
    if (id === 0n || ttlSeconds < 1 || this.#leases.has(id)) return;
    this.#leases.set(id, ttlSeconds);
    for (const listener of this.#listeners) listener.leaseGranted?.(id, ttlSeconds);
  }

  #revoke(id: LeaseId): void {
    if (!this.#leases.delete(id)) return;
    const keys = this.#keyspace.leasedKeys().filter(({ lease }) => lease === id);
    const deletions = keys.map(({ key }) => ({ type: 'delete', key }) as const);
    for (const listener of this.#listeners) listener.leaseEnded?.(id);
    const request: TxnRequest = { type: 'txn', compares: [], success: deletions, failure: [] };
    this.#happened(this.#keyspace.write(request).events);
  }

  #happened(events: readonly Event[]): void {
    if (events.length === 0) return;
    this.#events.push(events);
    for (const event of events) {
      const key = toMapKey(event.kv.key);
      const versions = this.#versions.get(key);
      if (versions === undefined) this.#versions.set(key, [event]);
      else versions.push(event);
    }
    for (const listener of this.#listeners) listener.revision?.(this.revision, events);
  }
}

/** The last version that is not after a revision. */
function versionAt(versions: readonly Event[], revision: number): KeyValue | undefined {
  let [low, high] = [0, versions.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((versions[middle] as Event).kv.modRevision <= revision) low = middle + 1;
    else high = middle;
  }
  const event = versions[low - 1];
  return event?.type === 'put' ? event.kv : undefined;
}
