import {
  isRead,
  isStale,
  isStoreOperation,
  type LogEvent,
  type Operation,
  type StoreOperation,
} from '../history/operation.js';
import { carryOut, differenceOf, type Doing } from '../store/semantics.js';
import type { Verdict } from '../verdict.js';
import { RealTime } from './real-time.js';
import { areSame, type UnknownWrite, UnknownWrites } from './unknown-writes.js';
import { WriteLog, WriteLogError } from './write-log.js';

/** What the checker is told of a history. */
export interface ReplayOptions {
  /** Of the first event of the log; before it the store is empty. Default: 2, for a new store is at revision 1. */
  readonly firstRevision?: number;
  /**
   * The keys that nobody but the recorded clients changes: a revision that changes one of these must be that of a recorded
   * operation, or the end of a lease. Default: all.
   */
  readonly isOwned?: (key: string) => boolean;
}

/** A verdict, and what was learnt of the writes with an unknown outcome. */
export interface Replayed {
  readonly verdict: Verdict;
  /** By the position of an unknown write in the history, the revision that it made; where there is none, it made none. */
  readonly revisionOf: ReadonlyMap<number, number>;
}

/**
 * Judges a history by the revisions that were told with every answer, against the complete write log: each answer is right
 * at its revision, each revision is one operation's, and revisions agree with real time. That exhibits a legal order, so
 * it proves the history linearizable. Takes n log n time for n operations and events.
 *
 * @param operations - gone through once, and again only to show a witness
 * @param log - from the first revision to beyond the last that was told; by a watch of everything, or from a disk
 */
export function checkReplay(
  operations: Iterable<Operation>,
  log: Iterable<LogEvent>,
  options: ReplayOptions = {},
): Verdict {
  return replay(operations, log, options).verdict;
}

/** As {@link checkReplay}, and tells the fate of unknown writes. */
export function replay(
  operations: Iterable<Operation>,
  log: Iterable<LogEvent>,
  options: ReplayOptions = {},
): Replayed {
  try {
    const run = new Run(new WriteLog(log, options.firstRevision ?? 2), options);
    const judgedCount = run.judgeAll(operations);
    run.judgeTime();
    run.explainRest(operations);
    return { verdict: { verdict: 'ok', judgedCount }, revisionOf: run.revisionOf };
  } catch (error) {
    return { verdict: verdictOf(error, operations), revisionOf: new Map() };
  }
}

/** Ends a run. `ids` are the positions of the operations that show it. */
class Finding extends Error {
  constructor(
    what: string,
    readonly ids: readonly number[],
  ) {
    super(what);
  }
}

class CannotTell extends Error {}

function verdictOf(error: unknown, operations: Iterable<Operation>): Verdict {
  if (error instanceof CannotTell) return { verdict: 'unknown', why: error.message };
  if (error instanceof WriteLogError) return { verdict: 'violation', what: error.message, witness: [] };
  if (!(error instanceof Finding)) throw error;
  const witness: Operation[] = [];
  let id = 0;
  for (const operation of operations) {
    if (error.ids.includes(id)) witness.push(operation);
    id += 1;
  }
  return { verdict: 'violation', what: error.message, witness };
}

class Run {
  readonly #log: WriteLog;
  readonly #isOwned: (key: string) => boolean;
  readonly #time = new RealTime();
  /** By revision, one more than the id of the operation that made it; 0 if none is known. */
  readonly #owners: Int32Array;
  readonly #unknown: { readonly id: number; readonly operation: StoreOperation }[] = [];
  revisionOf: ReadonlyMap<number, number> = new Map();

  constructor(log: WriteLog, { isOwned = () => true }: ReplayOptions) {
    this.#log = log;
    this.#isOwned = isOwned;
    this.#owners = new Int32Array(log.lastRevision - log.firstRevision + 1);
  }

  /** @returns how many were judged by their answers */
  judgeAll(operations: Iterable<Operation>): number {
    let [id, judgedCount] = [0, 0];
    for (const operation of operations) {
      if (isStoreOperation(operation)) {
        if (operation.outcome === 'unknown') this.#unknown.push({ id, operation });
        if (operation.outcome === 'ok') {
          this.#judge(id, operation);
          judgedCount += 1;
        }
      }
      id += 1;
    }
    return judgedCount;
  }

  judgeTime(): void {
    const found = this.#time.sweep();
    if (!found) return;
    throw new Finding('what had returned before the other was called is not of an earlier revision', [
      found.earlier,
      found.later,
    ]);
  }

  /** Every revision that was told to nobody is that of an unknown write, or the end of a lease. */
  explainRest(operations: Iterable<Operation>): void {
    const writes = this.#unknown.map((write): UnknownWrite => ({
      ...write,
      after: this.#time.toldBefore(write.operation.call),
    }));
    const unknown = new UnknownWrites(this.#log, writes);
    for (let revision = this.#log.firstRevision; revision <= this.#log.lastRevision; revision += 1) {
      if (this.#ownerOf(revision) !== undefined || unknown.explain(revision)) continue;
      if (this.#isForeign(revision) || this.#endsLease(revision)) continue;
      this.#unexplained(revision, operations);
    }
    this.revisionOf = unknown.revisions;
  }

  #judge(id: number, operation: StoreOperation): void {
    const { revision } = operation;
    if (revision === undefined)
      throw new CannotTell(`operation ${id} was told no revision: ${JSON.stringify(operation)}`);
    this.#checkRevision(id, revision);
    const changes = isRead(operation)
      ? this.#judgeRead(id, operation, revision)
      : this.#judgeWrite(id, operation, revision);
    if (isStale(operation)) return;
    this.#time.add(id, { call: operation.call, return: operation.return as number, revision, changes });
  }

  #checkRevision(id: number, revision: number): void {
    const { firstRevision, lastRevision } = this.#log;
    if (revision > lastRevision) {
      throw new Finding(`it was told revision ${revision}, and the write log ends with ${lastRevision}`, [id]);
    }
    if (revision < firstRevision - 1) {
      throw new Finding(`it was told revision ${revision}, and the write log begins with ${firstRevision}`, [id]);
    }
  }

  #judgeRead(id: number, operation: StoreOperation, revision: number): false {
    const { atRevision = revision } = operation as { atRevision?: number };
    if (atRevision > revision) throw new Finding(`it was answered as of ${atRevision}, which is yet to come`, [id]);
    const difference = differenceOf(operation, { ...this.#doing(operation, atRevision).answer, revision });
    if (difference) throw new Finding(`at revision ${atRevision} ${difference}`, [id]);
    return false;
  }

  /** It made the revision that it was told, or it found nothing to change at that revision. */
  #judgeWrite(id: number, operation: StoreOperation, revision: number): boolean {
    const made = this.#log.has(revision) ? this.#doing(operation, revision - 1) : undefined;
    const isMaker = made !== undefined && areSame(made.effects, this.#log.changesOf(revision));
    const madeDifference = isMaker ? differenceOf(operation, made.answer) : undefined;
    if (isMaker && !madeDifference && this.#ownerOf(revision) === undefined) {
      this.#owners[revision - this.#log.firstRevision] = id + 1;
      return true;
    }
    const found = this.#doing(operation, revision);
    const foundDifference = differenceOf(operation, found.answer);
    if (found.effects.size === 0 && !foundDifference) return false;
    if (isMaker && !madeDifference) {
      throw new Finding(`revision ${revision} was told to two who would both have made it`, [
        this.#ownerOf(revision) as number,
        id,
      ]);
    }
    const why = madeDifference ?? (found.effects.size === 0 ? foundDifference : undefined);
    throw new Finding(why ? `at revision ${revision} ${why}` : this.#notItsEffect(revision), [id]);
  }

  #doing(operation: StoreOperation, before: number): Doing {
    return carryOut(operation, this.#log.at(before), before);
  }

  #notItsEffect(revision: number): string {
    const there = this.#log.has(revision) ? [...this.#log.eventsAt(revision)] : [];
    return `it was told revision ${revision}, which has another effect: ${JSON.stringify(there)}`;
  }

  #ownerOf(revision: number): number | undefined {
    const owner = this.#owners[revision - this.#log.firstRevision] as number;
    return owner === 0 ? undefined : owner - 1;
  }

  #isForeign(revision: number): boolean {
    return ![...this.#log.changesOf(revision).keys()].some(this.#isOwned);
  }

  /** All keys of one lease go in one revision, and nothing else. */
  #endsLease(revision: number): boolean {
    const changes = this.#log.changesOf(revision);
    const before = this.#log.at(revision - 1);
    const leases = new Set([...changes.keys()].map((key) => before.get(key)?.lease));
    const [lease] = leases;
    if (leases.size !== 1 || lease === undefined) return false;
    return areSame(carryOut({ op: 'revoke', lease }, before, revision - 1).effects, changes);
  }

  #unexplained(revision: number, operations: Iterable<Operation>): never {
    const changes = this.#log.changesOf(revision);
    const before = this.#log.at(revision - 1);
    const ids: number[] = [];
    let id = 0;
    for (const operation of operations) {
      const isSuspect = isStoreOperation(operation) && !isRead(operation) && operation.revision !== revision;
      if (isSuspect && areSame(carryOut(operation, before, revision - 1).effects, changes)) ids.push(id);
      id += 1;
    }
    const events = JSON.stringify([...this.#log.eventsAt(revision)]);
    const who = ids.length > 0 ? 'these would have, but failed, or did so elsewhere' : 'nobody would have';
    throw new Finding(`nobody is known to have made revision ${revision}, ${events}: ${who}`, ids.slice(0, 5));
  }
}
