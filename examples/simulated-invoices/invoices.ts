import { Mutex, type Store } from 'conclave';
import { put, sleep, toText } from 'conclave/core';

const LAST = 'invoices/last';
const PRINTING_MS = 1_000;

/**
 * Numbers invoices without gaps, whoever writes them: under a lock, one after the other. It looks right, it passes its
 * tests, and it has a bug.
 */
export class Invoices {
  protected readonly store: Store;
  readonly #lock: Mutex;

  constructor(store: Store) {
    this.store = store;
    this.#lock = new Mutex(store, { name: 'invoices', ttl: '5s' });
  }

  /** @returns the number under which the invoice was filed */
  async file(invoice: string): Promise<number> {
    await using held = await this.#lock.acquire();
    const number = Number(toText((await this.store.get(LAST))?.value ?? new Uint8Array())) + 1;
    await sleep(this.store.clock, PRINTING_MS);
    await this.write(held, number, invoice).commit();
    return number;
  }

  /** Here it is: a holder that was away for longer than its lock lasts writes as if it still held it. */
  protected write(_held: Awaited<ReturnType<Mutex['acquire']>>, number: number, invoice: string) {
    return this.store.txn().do(put(LAST, String(number)), put(`invoices/${number}`, invoice));
  }
}

/** The same, with one word more: the store rejects what a former holder writes. */
export class GuardedInvoices extends Invoices {
  protected override write(...[held, number, invoice]: Parameters<Invoices['write']>) {
    return held.guard(super.write(held, number, invoice));
  }
}
