import { isRead, type StoreCall, type StoreOperation } from '../history/operation.js';
import { carryOut, type Effects } from '../store/semantics.js';
import type { WriteLog } from './write-log.js';

/** A write of which nobody was told the outcome. */
export interface UnknownWrite {
  readonly id: number;
  readonly operation: StoreOperation;
  /** The highest revision that had been told to anybody when it was called: it can only be of a later one. */
  readonly after: number;
}

/**
 * Which unknown write made which of the revisions that nobody was told of: each at most one, and each revision by one
 * that would have done just this there.
 */
export class UnknownWrites {
  readonly #log: WriteLog;
  /** By what they could do to a key: `put key value`, `append key`, `delete key`, or `*` where it may be anything. */
  readonly #byEffect = new Map<string, UnknownWrite[]>();
  readonly #madeBy = new Map<number, UnknownWrite>();
  readonly #madeOf = new Map<UnknownWrite, number>();

  constructor(log: WriteLog, writes: Iterable<UnknownWrite>) {
    this.#log = log;
    for (const write of writes) {
      if (isRead(write.operation)) continue;
      for (const effect of new Set(effectsOf(write.operation))) {
        const known = this.#byEffect.get(effect);
        if (known) known.push(write);
        else this.#byEffect.set(effect, [write]);
      }
    }
  }

  /** By the id of a write, the revision it made. */
  get revisions(): ReadonlyMap<number, number> {
    return new Map([...this.#madeOf].map(([{ id }, revision]) => [id, revision]));
  }

  /**
   * Finds a write for a revision, if need be by finding another for one that was explained before.
   *
   * @returns whether there is one
   */
  explain(revision: number): boolean {
    return this.#augment(revision, new Set());
  }

  /** One step of Kuhn's matching; its depth is bounded by how many writes do the same to the same key. */
  #augment(revision: number, tried: Set<UnknownWrite>): boolean {
    for (const write of this.#candidatesOf(revision)) {
      if (tried.has(write)) continue;
      tried.add(write);
      const other = this.#madeOf.get(write);
      if (other !== undefined && !this.#augment(other, tried)) continue;
      this.#madeBy.set(revision, write);
      this.#madeOf.set(write, revision);
      return true;
    }
    return false;
  }

  #candidatesOf(revision: number): UnknownWrite[] {
    const { key, value } = this.#log.firstChangeOf(revision);
    const effects = value === undefined ? [`delete ${key}`] : [`put ${key} ${value}`, `append ${key}`];
    return [...effects, '*']
      .flatMap((effect) => this.#byEffect.get(effect) ?? [])
      .filter((write) => write.after < revision && this.#wouldMake(write, revision));
  }

  #wouldMake({ operation }: UnknownWrite, revision: number): boolean {
    const { effects } = carryOut(operation, this.#log.at(revision - 1), revision - 1);
    return areSame(effects, this.#log.changesOf(revision));
  }
}

/** Whether two revisions do the same, leases and versions included. */
export function areSame(a: Effects, b: Effects): boolean {
  if (a.size !== b.size) return false;
  for (const [key, ours] of a) {
    if (!b.has(key)) return false;
    const theirs = b.get(key);
    if (ours?.value !== theirs?.value || ours?.lease !== theirs?.lease || ours?.version !== theirs?.version)
      return false;
  }
  return true;
}

function effectsOf(call: StoreCall): string[] {
  switch (call.op) {
    case 'get':
    case 'range':
      return [];
    case 'put':
    case 'casRevision':
    case 'create':
      return [`put ${call.key} ${call.value}`];
    case 'append':
      return [`append ${call.key}`];
    case 'delete':
      return call.end === undefined ? [`delete ${call.key}`] : ['*'];
    case 'cas':
      return call.value === null ? [`delete ${call.key}`] : [`put ${call.key} ${call.value}`];
    case 'txn':
      return [...call.then, ...call.else].flatMap(effectsOf);
    case 'revoke':
      return ['*'];
  }
}
