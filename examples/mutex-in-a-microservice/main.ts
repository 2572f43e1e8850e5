/**
 * A Mutex imported in a microservice. The service charges orders over HTTP; however often and wherever a request
 * arrives, an order is charged once, because the lock is in the store and not in this process.
 *
 *     npm run example mutex-in-a-microservice
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  connect,
  container,
  injectable,
  locked,
  Mutex,
  mutex,
  start,
  STORE,
  currentHeld,
  inject,
  type Store,
} from 'conclave';
import { put } from 'conclave/core';

@mutex({ name: 'orders', ttl: '15s' })
class OrdersLock extends Mutex {}

@injectable()
class Billing {
  constructor(@inject(STORE) private readonly store: Store) {}

  /** One charge of an order at a time; of different orders, many. */
  @locked(OrdersLock, (order: string) => order, { timeout: '5s' })
  async charge(order: string): Promise<'charged' | 'already charged'> {
    if (await this.store.get(`charges/${order}`)) return 'already charged';
    await currentHeld()
      .guard(this.store.txn())
      .do(put(`charges/${order}`, new Date().toISOString()))
      .commit();
    return 'charged';
  }
}

const store = await connect(process.argv[2] ?? 'embedded:memory');
const app = await start(container, { store, services: [Billing] });
const billing = container.resolve(Billing);

const server = createServer((request, response) => {
  const order = request.url?.slice(1) ?? '';
  billing.charge(order).then(
    (answer) => response.end(answer),
    (error: Error) => response.writeHead(503).end(error.message),
  );
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

const answers = await Promise.all(
  Array.from({ length: 5 }, async () => (await fetch(`http://127.0.0.1:${port}/order-42`, { method: 'POST' })).text()),
);
console.log(`five requests for one order: ${answers.sort().reverse().join(', ')}`);

server.close();
await app[Symbol.asyncDispose]();
await store.close();
