import { onAbort } from '../../../base/abort.js';
import type { RangeResponse } from '../../../rpc/gen/kv.js';
import type { Context } from '../../asking/runner.js';
import type { Interrupts } from '../../asking/surroundings.js';
import { KeptLease } from './kept-lease.js';
import { PlaceInLine } from './place-in-line.js';

/** What is held while work is done. */
export interface Hold {
  readonly place: PlaceInLine;
  /** The key, as it was when it was granted. */
  readonly granted: RangeResponse;
  readonly interrupts: Interrupts;
  /** Aborts when it is lost, with the reason. */
  readonly lost: AbortSignal;
}

/**
 * Waits in line, does the work while it is held, and leaves the line, however the work ends.
 *
 * @returns what the work returns
 * @throws {@link LeaseLostError} if it is lost while it waits; what the work throws
 */
export async function whileHeld<Result>(
  context: Context,
  { name, value, ttlSeconds }: { readonly name: string; readonly value: string; readonly ttlSeconds: bigint },
  work: (hold: Hold) => Promise<Result>,
): Promise<Result> {
  const { client, surroundings, complain } = context;
  const interrupts = surroundings.listenForInterrupts();
  const over = new AbortController();
  let lease: KeptLease | undefined;
  try {
    lease = await KeptLease.grant(client, ttlSeconds);
    const waiting = AbortSignal.any([interrupts.signal, lease.lost]);
    const place = await PlaceInLine.take(client, name, value, lease, waiting);
    const granted = await place.first(waiting);
    return await work({
      place,
      granted,
      interrupts,
      lost: AbortSignal.any([lease.lost, goneSignal(place, granted, over.signal)]),
    });
  } catch (error) {
    if (interrupts.signal.aborted) throw new Error('interrupted', { cause: error });
    throw error;
  } finally {
    over.abort();
    interrupts.stop();
    await lease?.revoke().catch((error: Error) => complain(`it is given back when its lease ends: ${error.message}`));
  }
}

/** Aborts when the key is not there any more though the lease may be. */
function goneSignal(place: PlaceInLine, granted: RangeResponse, over: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const tell = () => gone.abort(new Error(`${place.key.toString()} is gone: its lease ended, or it was deleted`));
  // A failing watch tells nothing: the lease's own deadline does then.
  place.gone(granted, over).then(tell, () => {});
  return gone.signal;
}

/** Waits until the user ends it. @throws the reason if it is lost before */
export async function untilInterrupted({ interrupts, lost }: Hold): Promise<void> {
  await new Promise<void>((resolve) => onAbort(AbortSignal.any([interrupts.signal, lost]), () => resolve()));
  if (!interrupts.signal.aborted) lost.throwIfAborted();
}
