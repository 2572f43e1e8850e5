import { prefix } from 'conclave/core';
import type { Cast } from '../cast.js';
import { PAYMENTS } from '../keys.js';
import type { Stage } from '../stage.js';

const ORDERS = 30;
const WITHIN_MS = 15_000;

/** Three workers charge the same orders at the same time; a mutex keeps them from charging one twice. */
export async function contention(stage: Stage, cast: Cast): Promise<void> {
  stage.say(
    `Three workers charge the same ${ORDERS} orders: each takes the lock, charges the next one, and queues again.`,
  );
  const orders = Array.from({ length: ORDERS }, (_, i) => `order-${i}`);

  for (const worker of cast.workers) worker.tell({ kind: 'charge', orders });
  const counting = setInterval(
    () =>
      void countPayments(cast).then(
        ({ orders }) => orders < ORDERS && stage.progress('orders charged', orders, ORDERS),
      ),
    100,
  );
  const reports = await Promise.all(cast.workers.map((worker) => worker.hear('charged', WITHIN_MS)));
  clearInterval(counting);
  const { orders: charged, payments } = await countPayments(cast);
  stage.progress('orders charged', charged, ORDERS);

  const shares = reports.map((report, i) => `${cast.workers[i]!.name} ${String(report['count'])}`).join(', ');
  stage.check(
    'No order was charged twice',
    charged === ORDERS && payments === ORDERS,
    `${payments} payments for ${ORDERS} orders (${shares})`,
  );
}

/** Payments are counted by version, so that a worker that charged the same order again would show. */
async function countPayments(cast: Cast): Promise<{ orders: number; payments: number }> {
  const { kvs } = await cast.store.range(prefix(PAYMENTS));
  const orders = new Set(kvs.map((kv) => Buffer.from(kv.key).toString().slice(PAYMENTS.length).split('/')[0]));
  return { orders: orders.size, payments: kvs.reduce((sum, kv) => sum + kv.version, 0) };
}
