import { type Clock, turn } from '../base/clock.js';
import { hasCode } from '../base/errors.js';
import type { KeyValue } from '../base/key-value.js';
import type { RangePageRequest, RangeRequest, RangeResult } from '../base/operation.js';
import type { KvPort } from './ports.js';

/** What reading a range in parts asks of a member. */
export interface LongRangePort extends Pick<KvPort, 'range' | 'rangePage'> {
  readonly clock: Clock;
}

/** Keys that are looked at in one go: fewer where they are told, for each is then read as well. */
const VISITS_TELLING = 4_000;
const VISITS_COUNTING = 20_000;

/**
 * Answers a range whose end may be far behind its limit. How many keys it has is told, too, and they are counted part by
 * part: everything else that is ready to run has its turn between two parts, however many keys there are. All is as of one
 * revision, that of the first part.
 *
 * What is sorted or filtered has to be seen as a whole, and what has no limit is told as a whole; single keys have no parts.
 *
 * @throws as {@link KvPort.range}
 */
export async function longRange(port: LongRangePort, request: RangeRequest): Promise<RangeResult> {
  if (!hasParts(request)) return port.range(request);
  const reading = new Reading(request);
  try {
    while (!reading.isDone) {
      if (reading.hasBegun) await turn(port.clock);
      reading.take(await port.rangePage(reading.next));
    }
    return reading.result;
  } catch (error) {
    // Its revision was compacted away on the way. As a whole it is read at once, or refused as it should be.
    if (reading.hasBegun && hasCode(error, 'COMPACTED')) return port.range(request);
    throw error;
  }
}

function hasParts(request: RangeRequest): boolean {
  const { end, limit = 0, countOnly = false, sortOrder = 'none', sortTarget = 'key' } = request;
  const isSorted = sortOrder !== 'none' || sortTarget !== 'key';
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  const isFiltered = Boolean(minModRevision || maxModRevision || minCreateRevision || maxCreateRevision);
  return end !== undefined && (limit > 0 || countOnly) && !isSorted && !isFiltered;
}

/** How far a range has been read. */
class Reading {
  hasBegun = false;
  isDone = false;
  readonly #request: RangeRequest;
  readonly #kvs: KeyValue[] = [];
  #count = 0;
  #revision = 0;
  /** Where to go on. */
  #key: Uint8Array;

  constructor(request: RangeRequest) {
    this.#request = request;
    this.#key = request.key;
  }

  get next(): RangePageRequest {
    const { end, limit = 0, revision = 0, serializable = false, keysOnly = false, countOnly = false } = this.#request;
    const keysMax = countOnly ? 0 : limit - this.#kvs.length;
    return {
      ...{ key: this.#key, ...(end !== undefined && { end }), keysOnly, keysMax },
      // The member that had the first part, as fresh as was asked for, has its revision for the others too.
      revision: revision > 0 ? revision : this.#revision,
      serializable: serializable || this.hasBegun,
      isContinued: this.hasBegun,
      bytesMax: Number.MAX_SAFE_INTEGER,
      visitsMax: keysMax > 0 ? VISITS_TELLING : VISITS_COUNTING,
    };
  }

  take({ revision, kvs, count, next }: Awaited<ReturnType<KvPort['rangePage']>>): void {
    if (!this.hasBegun) this.#revision = revision;
    this.hasBegun = true;
    this.#count += count;
    for (const kv of kvs) this.#kvs.push(kv);
    if (next === undefined) this.isDone = true;
    else this.#key = next;
  }

  get result(): RangeResult {
    const more = !this.#request.countOnly && this.#count > this.#kvs.length;
    return { type: 'range', revision: this.#revision, kvs: this.#kvs, count: this.#count, more };
  }
}
