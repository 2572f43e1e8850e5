/** The recipes of the tour, configured. A service of yours would have a file like this one. */
import {
  barrierQueue,
  BarrierQueue,
  configWatcher,
  ConfigWatcher,
  election,
  Election,
  items,
  mutex,
  Mutex,
  serviceRegistry,
  ServiceRegistry,
} from 'conclave';
import { z } from 'zod';

/** Short, so that the tour is; a service would take some 15 seconds. */
const ttl = '2s';

@mutex({ name: 'tour-orders', ttl })
export class OrderLock extends Mutex {}

@election({ name: 'tour-index-builder', ttl })
export class IndexBuilders extends Election<{ worker: string }> {}

export interface Shard {
  readonly number: number;
}

export const SHARDS_A_ROUND = 12;

@barrierQueue({ name: 'tour-shards', release: items(SHARDS_A_ROUND) })
export class Shards extends BarrierQueue<Shard> {}

@serviceRegistry({ ttl })
export class Services extends ServiceRegistry<{ pid: number }> {}

export const paymentsSchema = z.object({
  currency: z.string().length(3),
  limits: z.object({ max: z.number().int().positive() }),
});

@configWatcher({ name: 'tour-payments', schema: paymentsSchema, initial: { currency: 'EUR', limits: { max: 100 } } })
export class PaymentsConfig extends ConfigWatcher<typeof paymentsSchema> {}
