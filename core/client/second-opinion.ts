import type { Clock } from '../base/clock.js';
import { toRangeMessage } from '../rpc/convert-requests.js';
import { KVService } from '../rpc/gen/kv.js';
import { get } from '../txn.js';
import { CallFailure } from './call-failure.js';
import type { Connection } from './connection.js';
import { deadlineAfter } from './patient-timer.js';

/**
 * The question: a linearizable read of a key that nobody has. It takes what every call takes, an event loop that runs
 * and a member that reaches its leader, and it shares the cluster's next round of reads with all others.
 */
const QUESTION = toRangeMessage(get(Uint8Array.of(0), { countOnly: true }));

/** Another endpoint, and how long it took to answer the question. */
export interface Opinion {
  readonly connection: Connection;
  readonly tookMs: number;
}

/**
 * Asks one endpoint the question.
 *
 * @returns whether it answered as a healthy one does, be it with a refusal; `false` if it says that it cannot serve at
 * present, or does not answer
 */
export async function answersWell(connection: Connection, signal?: AbortSignal): Promise<boolean> {
  try {
    await connection.unary(KVService.range, QUESTION, { signal, isWrite: false });
    return true;
  } catch (error) {
    return error instanceof CallFailure && !error.isPassing;
  }
}

/** Asks an endpoint beside the one in use. @throws {@link CallFailure} unless it answers well */
export async function opinionOf(connection: Connection, clock: Clock, signal: AbortSignal): Promise<Opinion> {
  const startedMs = clock.now();
  if (await answersWell(connection, signal)) return { connection, tookMs: clock.now() - startedMs };
  signal.throwIfAborted();
  throw CallFailure.lost(`${connection.name} does not serve either`);
}

/**
 * Whether another endpoint serves while the suspect does not. Both are asked the same question at the same moment; the
 * suspect is outdone if the other has answered, and it has not in `patienceMs` nor in three times as long as the other
 * took; or as soon as it says itself that it cannot serve.
 *
 * Where nobody answers, as while a cluster elects a leader, nobody is outdone.
 *
 * @returns the other, if it is to be used instead
 */
export async function outdone(
  suspect: Connection,
  asked: Promise<Opinion>,
  { clock, patienceMs, signal }: { readonly clock: Clock; readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<Opinion | undefined> {
  const startedMs = clock.now();
  const own = answersWell(suspect, signal);
  const other = asked.catch(() => undefined);
  const opinion = await Promise.race([other, own.then((isWell) => (isWell ? undefined : other))]);
  if (opinion === undefined) return undefined;
  const leftMs = startedMs + Math.max(patienceMs, 3 * opinion.tookMs) - clock.now();
  return (await within(clock, leftMs, own)) ? undefined : opinion;
}

/** What the promise says; `false` if it says nothing in time. */
function within(clock: Clock, delayMs: number, promise: Promise<boolean>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = deadlineAfter(clock, Math.max(0, delayMs), () => resolve(false));
    void promise.then(resolve).finally(() => timer.cancel());
  });
}
