import { randomBytes } from 'node:crypto';
import type { KeyValue } from '../../core/base/key-value.js';
import type { Store } from '../../core/store.js';
import { modRevision, put, remove } from '../../core/txn.js';
import { persist } from '../retry.js';
import { ConfigConflictError, ReleaseNotFoundError } from './errors.js';
import {
  type ConfigLayout,
  newRelease,
  parsePointer,
  parseRelease,
  type Release,
  type ReleaseNotes,
} from './release.js';

export interface Publication extends ReleaseNotes {
  readonly document: unknown;
  /** Publish only if this release is in force; 0: only if there is none. */
  readonly ifRelease?: number | undefined;
}

/** Writes releases: each with the pointer to it, in one transaction, under the condition that the pointer has not moved. */
export class Publisher {
  constructor(
    private readonly store: Store,
    private readonly config: string,
    private readonly layout: ConfigLayout,
    private readonly historyMax: number,
  ) {}

  /** @throws {@link ConfigConflictError} if another release than `ifRelease` is in force */
  async publish(publication: Publication, signal: AbortSignal): Promise<Release> {
    const publicationId = randomBytes(8).toString('hex');
    let attempted: number | undefined;
    return persist(this.store.clock, signal, async () => {
      for (;;) {
        // An earlier attempt may have been carried out although its answer was lost.
        const earlier = attempted && parseRelease(await this.store.get(this.layout.release(attempted), { signal }));
        if (earlier && earlier.publicationId === publicationId) return earlier;
        const pointer = await this.store.get(this.layout.current, { signal });
        attempted = parsePointer(pointer) + 1;
        const published = await this.#attempt(publication, publicationId, pointer, signal);
        if (published) return published;
      }
    });
  }

  /** Newest first. */
  async history(limit: number, signal: AbortSignal): Promise<readonly Release[]> {
    const { kvs } = await this.store.range(this.layout.releases, {
      limit,
      sortTarget: 'key',
      sortOrder: 'descend',
      signal,
    });
    return kvs.map(parseRelease).filter((release) => release !== undefined);
  }

  /** @throws {@link ReleaseNotFoundError} */
  async find(release: number, signal: AbortSignal): Promise<Release> {
    const found = parseRelease(await this.store.get(this.layout.release(release), { signal }));
    if (!found) throw new ReleaseNotFoundError(this.config, release);
    return found;
  }

  /** One attempt to follow what `pointer` says; `undefined` if somebody else was quicker. */
  async #attempt(
    publication: Publication,
    publicationId: string,
    pointer: KeyValue | undefined,
    signal: AbortSignal,
  ): Promise<Release | undefined> {
    const { layout, store } = this;
    const inForce = parsePointer(pointer);
    if (publication.ifRelease !== undefined && publication.ifRelease !== inForce) {
      throw new ConfigConflictError(this.config, publication.ifRelease, inForce);
    }
    const next = newRelease(inForce + 1, publication.document, publication, publicationId);
    const { succeeded } = await store
      .txn()
      .when(modRevision(layout.current).equals(pointer?.modRevision ?? 0))
      .do(
        put(layout.release(next.release), JSON.stringify(next)),
        put(layout.current, String(next.release)),
        remove(layout.releasesBefore(Math.max(1, next.release - this.historyMax + 1))),
      )
      .commit({ signal });
    return succeeded ? next : undefined;
  }
}
