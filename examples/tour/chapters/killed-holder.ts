import type { Cast } from '../cast.js';
import type { Stage } from '../stage.js';

const LOCK = 'killed-holder';
const WITHIN_MS = 10_000;

/** The holder of a mutex is killed; the store gives the lock to the next in line when the lease ends. */
export async function killedHolder(stage: Stage, cast: Cast): Promise<void> {
  const [holder, next] = cast.workers as [(typeof cast.workers)[0], (typeof cast.workers)[0]];
  holder.tell({ kind: 'hold', lock: LOCK });
  const first = await holder.hear('holding', WITHIN_MS);
  next.tell({ kind: 'hold', lock: LOCK });
  stage.say(
    `${holder.name} holds a mutex with fencing token ${String(first['fencingToken'])}; ${next.name} waits. SIGKILL to ${holder.name}.`,
  );

  const killedAt = performance.now();
  await holder.kill();
  const second = await next.hear('holding', WITHIN_MS);
  const tookMs = performance.now() - killedAt;

  stage.check(
    'The next holder has a larger fencing token',
    Number(second['fencingToken']) > Number(first['fencingToken']),
    `${String(first['fencingToken'])} → ${String(second['fencingToken'])}, ${(tookMs / 1_000).toFixed(1)} s after SIGKILL (TTL 2 s)`,
  );
  await cast.replace(holder);
}
