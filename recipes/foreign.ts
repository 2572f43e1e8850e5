import { equalBytes, toBytes, toText } from '../core/base/bytes.js';
import type { Logger } from '../core/base/logger.js';

/** So many are told one by one; of more only the hundredth, the thousandth, and so on. */
const TOLD_MAX = 10;

/**
 * Tells the log of keys below a recipe's prefix that are foreign: another program wrote them, an older version, or something
 * damaged them. They are passed over, and left where they are; whoever writes many of them does not fill the log.
 */
export class ForeignReport {
  readonly #logger: Logger;
  readonly #what: string;
  #count = 0;

  /** @param what - whose prefix it is, for people */
  constructor(logger: Logger, what: string) {
    this.#logger = logger;
    this.#what = what;
  }

  /** @param cause - why it was taken for foreign, if something was thrown */
  found(key: Uint8Array | string, cause?: unknown): void {
    this.#count += 1;
    if (this.#count > TOLD_MAX && !/^10+$/.test(String(this.#count))) return;
    const fields = { what: this.#what, key: typeof key === 'string' ? key : toText(key), count: this.#count };
    this.#logger.warn(
      cause === undefined ? fields : { ...fields, err: cause },
      'a key or value that is foreign or damaged is passed over',
    );
  }
}

/** Why a reader of keys passes one over. Nobody but the log is told. */
export class ForeignValueError extends Error {
  override readonly name = 'ForeignValueError';
  constructor(key: string) {
    super(`key ${JSON.stringify(key)} is foreign, or what it holds was damaged`);
  }
}

/** The text of a key; `undefined` if its bytes are none, so that two keys never count as one. */
export function textOfKey(key: Uint8Array): string | undefined {
  const text = toText(key);
  return equalBytes(toBytes(text), key) ? text : undefined;
}
