import { unreachable } from '../base/assert.js';
import type { OperationResult } from '../base/operation.js';

/** What a machine has carried out since it was opened, for metrics. It is no part of the state. */
export class OperationCounts {
  #puts = 0;
  #deletes = 0;
  #ranges = 0;
  #txns = 0;

  /** Puts, those in transactions among them. */
  get puts(): number {
    return this.#puts;
  }

  /** Deletions, of however many keys each; and keys that a lease took with it. */
  get deletes(): number {
    return this.#deletes;
  }

  /** Ranges that were read here, those in transactions among them. */
  get ranges(): number {
    return this.#ranges;
  }

  /** Writes and reads that were made of several operations, as etcd counts them. */
  get txns(): number {
    return this.#txns;
  }

  /** Counts an operation by what became of it. @returns the result */
  add<R extends OperationResult>(result: R): R {
    const before = this.#sum;
    this.#count(result);
    if (this.#sum - before > 1) this.#txns += 1;
    return result;
  }

  /** Counts keys that went with their lease, in one revision. */
  addRevoked(keyCount: number): void {
    this.#deletes += keyCount;
    if (keyCount > 1) this.#txns += 1;
  }

  /** Counts a part of a range that was read by parts. */
  addPage(): void {
    this.#ranges += 1;
  }

  get #sum(): number {
    return this.#puts + this.#deletes + this.#ranges;
  }

  #count(result: OperationResult): void {
    switch (result.type) {
      case 'put':
        this.#puts += 1;
        return;
      case 'delete':
        this.#deletes += 1;
        return;
      case 'range':
        this.#ranges += 1;
        return;
      case 'txn':
        for (const response of result.responses) this.#count(response);
        return;
      default:
        return unreachable(result);
    }
  }
}
