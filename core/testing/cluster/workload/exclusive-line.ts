import type { Event } from '../../../base/key-value.js';
import { toText } from '../../../base/bytes.js';
import type { Verdict } from './verdict.js';

const TOKENS_KEPT_MAX = 10_000;

/** What those who hold something one at a time write under its protection: which token, whose, and which write. */
export interface GuardedValue {
  readonly token: number;
  readonly holder: string;
}

/**
 * Whether a lock, or an election, kept its promise, by the history: the line of those who want it is in the store, in
 * the order of their create revisions, and a guarded write lands only while its writer is the first of the line. So
 * tokens never turn back, and no token has two holders.
 */
export class ExclusiveLine {
  readonly #name: string;
  readonly #linePrefix: string;
  readonly #guardedKey: string;
  readonly #verdict: Pick<Verdict, 'violation'>;
  readonly #line = new Map<string, number>();
  readonly #holders = new Map<number, string>();
  #latestToken = 0;
  grantCount = 0;

  constructor(
    name: string,
    parts: { readonly linePrefix: string; readonly guardedKey: string; verdict: Pick<Verdict, 'violation'> },
  ) {
    this.#name = name;
    this.#linePrefix = parts.linePrefix;
    this.#guardedKey = parts.guardedKey;
    this.#verdict = parts.verdict;
  }

  /** Somebody was told that it holds. */
  granted({ token, holder }: GuardedValue): void {
    this.grantCount += 1;
    const other = this.#holders.get(token);
    if (other !== undefined) {
      return this.#verdict.violation(`${this.#name}: ${holder} and ${other} both have token ${token}`);
    }
    this.#holders.set(token, holder);
    if (this.#holders.size > TOKENS_KEPT_MAX) this.#holders.delete(this.#holders.keys().next().value as number);
  }

  /** What happened in the store, in order. Within one revision, guarded writes come before they change the line. */
  take({ type, kv }: Event): void {
    const key = toText(kv.key);
    if (key === this.#guardedKey && type === 'put') this.#written(parseGuarded(kv.value), kv.modRevision);
    if (!key.startsWith(this.#linePrefix)) return;
    if (type === 'put') this.#line.set(key, kv.createRevision);
    else this.#line.delete(key);
  }

  #written({ token, holder }: GuardedValue, revision: number): void {
    const first = Math.min(...this.#line.values());
    if (token !== first) {
      const why = `while ${Number.isFinite(first) ? `${first} was first in line` : 'nobody was in line'}`;
      this.#verdict.violation(`${this.#name}: ${holder} wrote with token ${token} at revision ${revision} ${why}`);
    }
    if (token < this.#latestToken) {
      this.#verdict.violation(
        `${this.#name}: token ${token} wrote at revision ${revision}, after ${this.#latestToken}`,
      );
    }
    this.#latestToken = Math.max(this.#latestToken, token);
  }
}

/** `token holder id`, as the users of a lock write it. */
export function guardedValue({ token, holder }: GuardedValue, id: string): string {
  return `${id} ${token} ${holder}`;
}

function parseGuarded(value: Uint8Array): GuardedValue {
  const [, token, holder] = toText(value).split(' ') as [string, string, string];
  return { token: Number(token), holder };
}
