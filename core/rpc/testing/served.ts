import { silentLogger } from '../../base/logger.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { type GrpcServer, serveGrpc } from '../grpc-carrier.js';
import type { RpcLimits } from '../rpc-limits.js';
import type { FakeMember } from './fake-member.js';
import { RawClient } from './raw-client.js';

/** A member of a test's making behind a real server, and a client of it. */
export interface Served {
  readonly server: GrpcServer;
  readonly client: RawClient;
}

/** Serves fake members, and ends all of it again. */
export class Servers {
  readonly #releases: (() => unknown)[] = [];

  async serve(member: FakeMember, limits: Partial<RpcLimits> = {}): Promise<Served> {
    const server = await serveGrpc({
      ...{ host: '127.0.0.1', port: 0, member },
      ...{ maxRequestBytes: 10_000, logger: silentLogger, limits },
    });
    const client = new RawClient(server);
    this.#releases.push(async () => {
      client.close();
      const closing = server.close();
      if (member.clock instanceof ManualClock) await member.clock.advance(60_000);
      await closing;
    });
    return { server, client };
  }

  async end(): Promise<void> {
    for (const release of this.#releases.splice(0).reverse()) await release();
  }
}

/** Waits for what comes by itself, from another task or the network. */
export async function eventually(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('what was waited for did not come');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
