import type { Cast } from '../cast.js';
import { PaymentsConfig } from '../recipes.js';
import type { Stage } from '../stage.js';

const WITHIN_MS = 10_000;

/** A new configuration reaches all running workers; one that does not fit the schema is refused before anybody sees it. */
export async function config(stage: Stage, cast: Cast): Promise<void> {
  await using payments = new PaymentsConfig(cast.store);
  await payments.ready();
  const pids = cast.workers.map((worker) => worker.pid);

  const publishedAt = performance.now();
  await payments.publish({ currency: 'EUR', limits: { max: 250 } }, { comment: 'raise the limit' });
  const seen = await Promise.all(
    cast.workers.map(async (worker) => {
      const message = await worker.hear('config', WITHIN_MS);
      return { message, ms: performance.now() - publishedAt };
    }),
  );
  const everyone = seen.every(({ message }, i) => message['max'] === 250 && message['pid'] === pids[i]);
  stage.check(
    'A config change reached every worker without a restart',
    everyone,
    `limits.max = 250 after ${seen.map(({ ms }) => `${ms.toFixed(0)} ms`).join(', ')}`,
  );

  const refusal = await payments.publish({ currency: 'EUR', limits: { max: -1 } }).then(
    () => undefined,
    (error: Error & { code?: string }) => error,
  );
  stage.check(
    'A bad config was rejected, and the good one stayed',
    refusal?.code === 'INVALID_CONFIG' && payments.current.limits.max === 250,
    `${refusal?.code ?? 'accepted'}; limits.max is still ${payments.current.limits.max}`,
  );
}
