import { isStoreOperation, type Operation, type PartAnswer, type StoreCall } from '../history/operation.js';
import type { Verdict } from '../verdict.js';
import { Graph } from './graph.js';

/** What a transaction did to lists, in order. */
type Part =
  | { readonly type: 'append'; readonly key: string; readonly element: string }
  | { readonly type: 'read'; readonly key: string; readonly list: readonly string[] };

interface Transaction {
  readonly operation: Operation;
  readonly parts: readonly Part[];
  readonly node: number;
}

class Finding extends Error {
  constructor(
    what: string,
    readonly witness: readonly Operation[],
  ) {
    super(what);
  }
}

/**
 * A second opinion on transactions over several keys: values are lists whose elements end with a comma, and each element is
 * appended once. Then a read of a list tells the order in which all of it was appended, hence which transaction must have
 * come before which; together with real time that must not go in a circle. Judges get, append, and transactions without
 * conditions of these, in time that grows with the history; without revisions, and without a search.
 *
 * What it finds is wrong. It may miss what no read shows.
 *
 * @remarks Source: Kingsbury and Alvaro 2020, "Elle: inferring isolation anomalies from experimental observations".
 */
export function checkListAppend(operations: Iterable<Operation>): Verdict {
  try {
    const judgedCount = new Lists(operations).judge();
    return { verdict: 'ok', judgedCount };
  } catch (error) {
    if (error instanceof Finding) return { verdict: 'violation', what: error.message, witness: error.witness };
    throw error;
  }
}

class Lists {
  readonly #graph = new Graph();
  readonly #transactions: Transaction[] = [];
  /** By key and element. */
  readonly #appenders = new Map<string, Transaction>();
  readonly #failed = new Map<string, Operation>();
  /** By key, the longest list that anybody read, and who did. */
  readonly #longest = new Map<string, { readonly list: readonly string[]; readonly by: Transaction }>();

  constructor(operations: Iterable<Operation>) {
    for (const operation of operations) this.#take(operation);
  }

  judge(): number {
    this.#transactions.forEach((transaction) => this.#judgeReads(transaction));
    this.#orderAppends();
    this.#transactions.forEach((transaction) => this.#orderReads(transaction));
    this.#orderByTime();
    const circle = this.#graph.circle();
    if (!circle) return this.#transactions.length;
    const byNode = new Map(this.#transactions.map((transaction) => [transaction.node, transaction]));
    const witness = circle.flatMap(({ from }) => byNode.get(from)?.operation ?? []);
    const steps = circle.filter(({ from }) => byNode.has(from)).map(({ why }) => why);
    throw new Finding(
      `each must have come before the next, and the last before the first: ${steps.join('; ')}`,
      witness,
    );
  }

  #take(operation: Operation): void {
    if (!isStoreOperation(operation)) return;
    const parts = partsOf(operation, operation);
    if (parts.length === 0) return;
    const transaction = { operation, parts, node: this.#graph.add() };
    if (operation.outcome !== 'fail') this.#transactions.push(transaction);
    for (const part of parts) {
      if (part.type === 'read') continue;
      const id = idOf(part.key, part.element);
      if (operation.outcome === 'fail') this.#failed.set(id, operation);
      else this.#appenders.set(id, transaction);
    }
  }

  /** Every read is the beginning of one list, of what was appended, and by no half of a transaction. */
  #judgeReads(transaction: Transaction): void {
    const { operation, parts } = transaction;
    const own = new Map<string, string[]>();
    for (const part of parts) {
      const mine = own.get(part.key) ?? [];
      own.set(part.key, mine);
      if (part.type === 'append') {
        mine.push(part.element);
        continue;
      }
      const { key, list } = part;
      if (mine.some((element, at) => list[list.length - mine.length + at] !== element)) {
        throw new Finding(`a transaction does not read what it appended to ${key} itself`, [operation]);
      }
      if (new Set(list).size !== list.length) throw new Finding(`${key} has an element twice`, [operation]);
      for (const element of list) this.#judgeElement(key, element, operation);
      const others = list.slice(0, list.length - mine.length);
      this.#judgeHalf(key, others.at(-1), operation);
      this.#compare(key, list, transaction);
    }
  }

  #judgeElement(key: string, element: string, by: Operation): void {
    const id = idOf(key, element);
    if (this.#appenders.has(id)) return;
    const failed = this.#failed.get(id);
    const who = failed ? 'whose transaction failed' : 'which nobody appended';
    throw new Finding(`${key} has ${element}, ${who}`, failed ? [by, failed] : [by]);
  }

  #judgeHalf(key: string, last: string | undefined, by: Operation): void {
    const appender = last === undefined ? undefined : this.#appenders.get(idOf(key, last));
    const appended = appender?.parts.filter((part) => part.type === 'append' && part.key === key).at(-1);
    if (!appender || !appended || appender.operation === by) return;
    if (appended.type === 'append' && appended.element !== last) {
      throw new Finding(`${key} was read with half of what a transaction appended`, [by, appender.operation]);
    }
  }

  #compare(key: string, list: readonly string[], by: Transaction): void {
    const known = this.#longest.get(key);
    const [short, long] = known && known.list.length > list.length ? [list, known.list] : [known?.list ?? [], list];
    if (short.some((element, at) => long[at] !== element)) {
      throw new Finding(`${key} was read in two orders`, [by.operation, ...(known ? [known.by.operation] : [])]);
    }
    if (!known || list.length > known.list.length) this.#longest.set(key, { list, by });
  }

  #orderAppends(): void {
    for (const [key, { list }] of this.#longest) {
      for (let at = 1; at < list.length; at += 1) {
        const [before, after] = [list[at - 1], list[at]] as [string, string];
        this.#before(
          this.#appenderOf(key, before),
          this.#appenderOf(key, after),
          `${key} got ${before} before ${after}`,
        );
      }
    }
    for (const transaction of this.#transactions) {
      for (const { type, key, ...part } of transaction.parts) {
        const longest = this.#longest.get(key);
        if (type === 'read' || !longest || transaction.operation.outcome === 'unknown') continue;
        const { element } = part as { element: string };
        // Lists only grow: what was carried out, and is not in the longest, was appended after that was read.
        if (longest.list.includes(element)) continue;
        this.#before(longest.by, transaction, `${key} was read without ${element}`);
      }
    }
  }

  #orderReads(transaction: Transaction): void {
    for (const part of transaction.parts) {
      if (part.type === 'append') continue;
      const { key, list } = part;
      const last = list.at(-1);
      if (last !== undefined) this.#before(this.#appenderOf(key, last), transaction, `${last} of ${key} was read`);
      const next = this.#longest.get(key)?.list[list.length];
      if (next === undefined) continue;
      this.#before(transaction, this.#appenderOf(key, next), `${key} was read without ${next}`);
    }
  }

  /** A chain of returns, so that there need not be an edge for every two of them. */
  #orderByTime(): void {
    const returned = this.#transactions.filter(({ operation }) => operation.return !== undefined);
    const events = [
      ...returned.map((of) => ({ time: of.operation.return as number, isReturn: true, of })),
      ...this.#transactions.map((of) => ({ time: of.operation.call, isReturn: false, of })),
    ];
    events.sort((a, b) => a.time - b.time || Number(a.isReturn) - Number(b.isReturn));
    let latest = this.#graph.add();
    for (const { isReturn, of } of events) {
      const why = 'by the time';
      if (!isReturn) {
        this.#graph.before(latest, of.node, why);
        continue;
      }
      const next = this.#graph.add();
      this.#graph.before(latest, next, why);
      this.#graph.before(of.node, next, 'it had returned');
      latest = next;
    }
  }

  #before(one: Transaction, other: Transaction, why: string): void {
    this.#graph.before(one.node, other.node, why);
  }

  #appenderOf(key: string, element: string): Transaction {
    return this.#appenders.get(idOf(key, element)) as Transaction;
  }
}

/** Of one whose outcome is unknown, or that failed, nothing is known to have been read. */
function partsOf(call: StoreCall, answer: PartAnswer & { readonly outcome?: Operation['outcome'] }): Part[] {
  switch (call.op) {
    case 'get':
      if (answer.outcome === 'unknown' || answer.outcome === 'fail' || answer.value === undefined) return [];
      return [{ type: 'read', key: call.key, list: elementsOf(answer.value ?? '') }];
    case 'append':
      return [{ type: 'append', key: call.key, element: call.value.replace(/,$/, '') }];
    case 'txn':
      if (call.compares.length > 0) return [];
      return call.then.flatMap((part, at) => partsOf(part, answer.responses?.[at] ?? {}));
    default:
      return [];
  }
}

function elementsOf(list: string): string[] {
  return list.split(',').slice(0, -1);
}

function idOf(key: string, element: string): string {
  return `${key} ${element}`;
}
