import { hasCode } from '../../core/base/errors.js';
import { range as rangeBetween } from '../../core/base/key-range.js';
import type { KeyValue } from '../../core/base/key-value.js';
import type { OperationResult, RangeResult } from '../../core/base/operation.js';
import type { Store } from '../../core/store.js';
import { createRevision, get, modRevision, put, remove } from '../../core/txn.js';
import { ForeignReport } from '../foreign.js';
import { newAcquisitionId } from '../keys.js';
import { by, toJson } from '../metadata.js';
import { persist } from '../retry.js';
import { ConfigConflictError, ReleaseNotFoundError } from './errors.js';
import {
  type ConfigLayout,
  newRelease,
  parsePointer,
  type Pointer,
  type Release,
  type ReleaseNotes,
} from './release.js';

export interface Publication extends ReleaseNotes {
  readonly document: unknown;
  /** Publish only if this release is in force; 0: only if there is none. */
  readonly ifRelease?: number | undefined;
  /** Publish only if nothing was ever published. */
  readonly onlyFirst?: boolean;
}

/** What a publication became: the release, and the revision at which it came into force. */
export interface Published {
  readonly release: Release;
  readonly pointer: Pointer;
}

/** Releases read at once: documents may be large. */
const PAGE_RELEASES = 8;
const PAGE_KEYS = 100;

/**
 * The releases of a configuration in the store. A publication is one transaction: the release, the pointer to it, and the
 * removal of what the history no longer reaches, under the condition that the pointer has not moved.
 */
export class ReleaseLog {
  readonly #store: Store;
  readonly #config: string;
  readonly #layout: ConfigLayout;
  readonly #historyMax: number;
  readonly #foreign: ForeignReport;

  constructor(
    store: Store,
    options: { readonly config: string; readonly layout: ConfigLayout; readonly historyMax: number },
  ) {
    this.#store = store;
    this.#config = options.config;
    this.#layout = options.layout;
    this.#historyMax = options.historyMax;
    this.#foreign = new ForeignReport(store.logger, `config ${options.config}`);
  }

  /** A release; undefined if the history does not have it. */
  async read(release: number, signal: AbortSignal): Promise<Release | undefined> {
    const kv = await this.#store.get(this.#layout.release(release), { signal });
    const found = this.#layout.releaseIn(kv);
    if (kv && !found) this.#foreign.found(kv.key);
    return found;
  }

  /** @throws {@link ReleaseNotFoundError} */
  async find(release: number, signal: AbortSignal): Promise<Release> {
    const found = await this.read(release, signal);
    if (!found) throw new ReleaseNotFoundError(this.#config, release);
    return found;
  }

  /** At most so many releases, newest first. */
  async history(limit: number, signal: AbortSignal): Promise<readonly Release[]> {
    const releases: Release[] = [];
    const order = { sortTarget: 'key', sortOrder: 'descend', limit: PAGE_RELEASES, signal } as const;
    let page = await this.#store.range(this.#layout.releases, order);
    const { revision } = page;
    for (;;) {
      for (const kv of page.kvs) {
        const release = this.#layout.releaseIn(kv);
        if (release) releases.push(release);
        else this.#foreign.found(kv.key);
      }
      const last = page.kvs.at(-1);
      if (!page.more || !last || releases.length >= limit) return releases.slice(0, limit);
      page = await this.#store.range(rangeBetween(this.#layout.releases.key, last.key), { ...order, revision });
    }
  }

  /** The number of the newest release; 0 if there is none. A rollback makes a new one, so that is always the one in force. */
  async newest(signal: AbortSignal): Promise<number> {
    const [newest] = await this.history(1, signal);
    return newest?.release ?? 0;
  }

  /** The highest number in a key of a release, whatever it holds; 0 if there is none. */
  async #highest(signal: AbortSignal): Promise<number> {
    const order = { sortTarget: 'key', sortOrder: 'descend', keysOnly: true, limit: PAGE_KEYS, signal } as const;
    for (let range = this.#layout.releases; ;) {
      const { kvs, more } = await this.#store.range(range, order);
      for (const { key } of kvs) {
        const release = this.#layout.numberOf(key);
        if (release > 0) return release;
        this.#foreign.found(key);
      }
      const last = kvs.at(-1);
      if (!more || !last) return 0;
      range = rangeBetween(this.#layout.releases.key, last.key);
    }
  }

  /**
   * Publishes, trying until it is done or called off. A lost answer is asked for again, by trying the same again.
   *
   * @throws {@link ConfigConflictError} if another release than `ifRelease` is in force
   * @throws {@link OutcomeUnknownError} if an answer was lost, and the history no longer reaches back to the release
   */
  async publish(publication: Publication, signal: AbortSignal): Promise<Published> {
    const publicationId = newAcquisitionId(this.#store.prng);
    let round: Round | undefined;
    let taken = 0;
    const outcome = await persist(this.#store.clock, signal, async () => {
      for (;;) {
        round ??= await this.#begin(publication, { publicationId, taken }, signal);
        const outcome = await this.#attempt(round, signal);
        if (outcome !== 'again' && outcome !== 'taken') return outcome;
        if (outcome === 'taken') taken = round.release.release;
        // Somebody else was quicker: follow what he published.
        round = undefined;
      }
    });
    if ('lost' in outcome) throw outcome.lost;
    return outcome;
  }

  /** Reads what is in force, and makes the release that would follow it. */
  async #begin(
    publication: Publication,
    { publicationId, taken }: { readonly publicationId: string; readonly taken: number },
    signal: AbortSignal,
  ): Promise<Round> {
    const { ifRelease, onlyFirst } = publication;
    const { responses } = await this.#store
      .txn()
      .do(
        get(this.#layout.current),
        get(this.#layout.releases, { sortTarget: 'key', sortOrder: 'descend', limit: 1, keysOnly: true }),
      )
      .commit({ signal });
    const current = firstOf(responses[0]);
    const last = firstOf(responses[1]);
    const highest = last ? this.#layout.numberOf(last.key) || (await this.#highest(signal)) : 0;
    // A pointer that is foreign stands where one to the newest release did.
    const inForce = parsePointer(current) || (current ? await this.newest(signal) : 0);
    // Where an operator has deleted the pointer, numbers that were given out are not given out again.
    const latest = Math.max(inForce, highest, taken);
    const expected = onlyFirst ? 0 : ifRelease;
    const found = onlyFirst ? Math.max(inForce, highest) : inForce;
    if (expected !== undefined && found !== expected) throw new ConfigConflictError(this.#config, expected, found);
    const release = newRelease(latest + 1, publication.document, publication, {
      publicationId,
      writer: by(this.#store),
    });
    return { release, bytes: toJson(release, 'document'), currentRevision: current?.modRevision ?? 0, lost: undefined };
  }

  /**
   * One attempt. `again` if somebody else was quicker, `taken` if a foreign key stands where the release is to go, `lost` if
   * nobody can say any more whether it was made before.
   */
  async #attempt(round: Round, signal: AbortSignal): Promise<Published | { readonly lost: Error } | 'again' | 'taken'> {
    const { release, bytes, currentRevision } = round;
    const key = this.#layout.release(release.release);
    try {
      const { succeeded, revision, responses } = await this.#store
        .txn()
        .when(modRevision(this.#layout.current).equals(currentRevision), createRevision(key).equals(0))
        .do(put(key, bytes), put(this.#layout.current, String(release.release)), ...this.#pruning(release.release))
        .otherwise(get(this.#layout.current), get(key))
        .commit({ signal });
      if (succeeded) return { release, pointer: { release: release.release, revision } };
      const [current, existing] = [firstOf(responses[0]), firstOf(responses[1])];
      if (existing && this.#layout.releaseIn(existing)?.publicationId === release.publicationId) {
        return { release, pointer: { release: release.release, revision: existing.createRevision } };
      }
      if (existing && (current?.modRevision ?? 0) === currentRevision) return 'taken';
      // Ours may have been published, and pruned since; to publish it again could undo what came after.
      return round.lost !== undefined && !existing && current ? { lost: round.lost } : 'again';
    } catch (error) {
      if (hasCode(error, 'OUTCOME_UNKNOWN')) round.lost = error as Error;
      throw error;
    }
  }

  #pruning(release: number): ReturnType<typeof remove>[] {
    const oldest = release - this.#historyMax + 1;
    return oldest > 1 ? [remove(this.#layout.releasesBefore(oldest))] : [];
  }
}

interface Round {
  readonly release: Release;
  readonly bytes: Uint8Array;
  /** The pointer's mod revision, 0 if there is none. */
  readonly currentRevision: number;
  /** The last attempt whose answer was lost. */
  lost: Error | undefined;
}

function firstOf(result: OperationResult | undefined): KeyValue | undefined {
  return (result as RangeResult | undefined)?.kvs[0];
}
