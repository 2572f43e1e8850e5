import type { Cast } from '../cast.js';
import { Services } from '../recipes.js';
import type { Stage } from '../stage.js';

const WITHIN_MS = 10_000;

/** Every worker registers; the death of one is seen by whoever looks for workers. */
export async function registry(stage: Stage, cast: Cast): Promise<void> {
  for (const worker of cast.workers) worker.tell({ kind: 'register' });
  await Promise.all(cast.workers.map((worker) => worker.hear('registered', WITHIN_MS)));
  await using services = new Services(cast.store);
  const workers = services.service('workers');
  await workers.ready();
  const before = workers.all().map(({ id }) => id);
  const [victim] = cast.workers as [(typeof cast.workers)[0]];
  stage.say(`The registry knows ${before.join(', ')}. SIGKILL to ${victim.name}.`);

  const killedAt = performance.now();
  await victim.kill();
  const gone = new AbortController();
  const patience = setTimeout(() => gone.abort(), WITHIN_MS);
  for await (const _change of workers) {
    if (gone.signal.aborted || !workers.all().some(({ id }) => id === victim.name)) break;
  }
  clearTimeout(patience);
  const tookMs = performance.now() - killedAt;

  const after = workers.all().map(({ id }) => id);
  stage.check(
    'The registry saw the death of a worker',
    before.length === 3 && after.length === 2 && !after.includes(victim.name),
    `${before.length} → ${after.length} instances, ${(tookMs / 1_000).toFixed(1)} s after SIGKILL (TTL 2 s)`,
  );
  await cast.replace(victim);
}
