import type { Cast } from '../cast.js';
import type { Stage } from '../stage.js';

const LOCK = 'stopped-holder';
const KEY = 'tour/guarded';
const WITHIN_MS = 10_000;

/** A holder is stopped past its TTL, as by a long pause of its machine. When it goes on, it knows nothing; the store does. */
export async function stoppedHolder(stage: Stage, cast: Cast): Promise<void> {
  const [, next, sleeper] = cast.workers as [
    (typeof cast.workers)[0],
    (typeof cast.workers)[0],
    (typeof cast.workers)[0],
  ];
  sleeper.tell({ kind: 'hold', lock: LOCK });
  const stale = await sleeper.hear('holding', WITHIN_MS);
  next.tell({ kind: 'hold', lock: LOCK });
  stage.say(
    `${sleeper.name} holds a mutex and is stopped with SIGSTOP, past its TTL; the lock goes to ${next.name}, who writes.`,
  );

  sleeper.signal('SIGSTOP');
  await next.hear('holding', WITHIN_MS);
  next.tell({ kind: 'write', key: KEY });
  await next.hear('written', WITHIN_MS);
  sleeper.tell({ kind: 'write', key: KEY });
  sleeper.signal('SIGCONT');
  stage.say(`${sleeper.name} goes on (SIGCONT) and writes under the lock that it believes to hold.`);

  const rejected = await sleeper.hear('rejected', WITHIN_MS);
  const kept = await cast.store.get(KEY);
  const writer = kept && Buffer.from(kept.value).toString();
  stage.check(
    'The store rejected the stale holder',
    rejected['code'] === 'HOLD_LOST' && writer === next.name,
    `token ${String(stale['fencingToken'])}: ${String(rejected['code'])}; the key still says ${writer}`,
  );
}
