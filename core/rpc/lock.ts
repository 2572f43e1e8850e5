import { EMPTY_BYTES, asBuffer } from '../base/bytes.js';
import type * as pb from './gen/lock.js';
import { headerOf } from './ports.js';
import { LockSessionExpiredError } from './service-errors.js';
import { type LinePort, WaitingLine } from './waiting-line.js';

/** etcd's Lock service over a member, whatever carries its messages. Each call throws what the member throws. */
export class LockService {
  readonly #port: LinePort;

  constructor(port: LinePort) {
    this.#port = port;
  }

  /**
   * Waits until the lock is the caller's. Who has it already is given it again.
   *
   * @param signal - aborts when nobody waits for the answer any more: then the place in the line is given up
   * @throws the signal's reason; {@link LockSessionExpiredError} if the lease ended meanwhile; {@link LeaseNotFoundError}
   */
  async lock({ name, lease }: pb.LockRequest, signal: AbortSignal): Promise<pb.LockResponse> {
    const line = new WaitingLine(this.#port, name);
    return line.pass({ lease, value: EMPTY_BYTES, signal }, async (place, wait) => {
      const key = asBuffer(place.key);
      if (place.isFirst) return { header: headerOf(this.#port, place.revision), key };
      await wait();
      const { kvs, revision } = await this.#port.range({ type: 'range', key });
      // Nobody is before us any more; but we may be gone as well.
      if (kvs[0]?.createRevision !== place.createRevision) throw new LockSessionExpiredError();
      return { header: headerOf(this.#port, revision), key };
    });
  }

  /** Deletes the key that a lock was given. One that is gone already is no error. */
  async unlock({ key }: pb.UnlockRequest): Promise<pb.UnlockResponse> {
    const { revision } = await this.#port.delete({ type: 'delete', key });
    return { header: headerOf(this.#port, revision) };
  }
}
