/**
 * Discovery with load balancing. Three instances of a service register themselves; a client looks them up, picks one for
 * each call, and leaves one out that fails.
 *
 *     npm run example load-balancing
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, roundRobin, ServiceRegistry } from 'conclave';

interface Meta {
  readonly zone: string;
}

const store = await connect(process.argv[2] ?? 'embedded:memory');
const registry = new ServiceRegistry<Meta>(store, { ttl: '10s', strategy: roundRobin() });

const servers = await Promise.all(['one', 'two', 'three'].map((id) => serve(id, id === 'two')));
const greeters = registry.service('greeter');
await greeters.ready();
console.log(
  `instances: ${greeters
    .all()
    .map(({ id }) => id)
    .join(', ')}`,
);

const answers = new Map<string, number>();
for (let call = 0; call < 12; call += 1) {
  const answer = await greet();
  answers.set(answer, (answers.get(answer) ?? 0) + 1);
}
for (const [answer, count] of [...answers].sort()) console.log(`${answer}: ${count} calls`);

await registry.dispose();
for (const server of servers) server.close();
await store.close();

/** One call of an instance that the registry picks; what came of it is told to the registry. */
async function greet(): Promise<string> {
  using picked = greeters.pick();
  const response = await fetch(`http://${picked.instance.address}/`);
  if (response.ok) {
    picked.ok();
    return response.text();
  }
  picked.fail(new Error(`status ${response.status}`));
  return `${picked.instance.id} failed`;
}

async function serve(id: string, isBroken: boolean): Promise<Server> {
  const server = createServer((_, response) => response.writeHead(isBroken ? 500 : 200).end(`hello from ${id}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await registry.register({ service: 'greeter', id, address: `127.0.0.1:${port}`, metadata: { zone: 'a' } });
  return server;
}
