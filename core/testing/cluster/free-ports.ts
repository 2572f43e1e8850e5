import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below the range from which systems take the near ends of outgoing connections (32768 on Linux, 49152 elsewhere): the port
 * of a member that is down for a while must not become somebody's near end before it is up again.
 */
const LEAST = 15_000;
const MOST = 32_000;
const ATTEMPTS_MAX = 200;

/**
 * So many ports of 127.0.0.1 on which nobody listens now. They are for processes that must be told their ports before they
 * start; whoever can, listens on port 0.
 *
 * @throws if too few are found in a bounded number of attempts
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = new Map<number, Server>();
  try {
    for (let attempt = 0; servers.size < count; attempt += 1) {
      if (attempt === ATTEMPTS_MAX) throw new Error(`no ${count} free ports between ${LEAST} and ${MOST}`);
      const port = randomInt(LEAST, MOST);
      const server = await listen(port);
      if (server) servers.set(port, server);
    }
    return [...servers.keys()];
  } finally {
    await Promise.all([...servers.values()].map((server) => once(server.close(), 'close')));
  }
}

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}
