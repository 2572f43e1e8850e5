import { afterEach } from '@jest/globals';
import type { Store } from '../../store.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { connectGrpc } from '../grpc-store.js';
import type { ClientOptions } from '../settings.js';
import { ScriptedServer, type Script } from './scripted-server.js';

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

/** Has this done after the test, last in first out. */
export function after(release: () => Promise<unknown>): void {
  releases.push(release);
}

export async function serve(script: Script = {}): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(script);
  after(() => server.close());
  return server;
}

/** A store that begins with the first endpoint, and makes every pause half of the longest it may be. */
export async function connect(
  endpoints: readonly { host: string; port: number }[],
  options: ClientOptions = {},
): Promise<Store> {
  const store = await connectGrpc(endpoints, { prng: { next: () => 0 }, backoffMs: 1, ...options });
  after(() => store.close());
  return store;
}

/** A store on a clock that stands still, so that nothing but the test makes it wait or give up. */
export async function connectByHand(
  server: { host: string; port: number },
  options: ClientOptions = {},
): Promise<[Store, ManualClock]> {
  const clock = new ManualClock();
  return [await connect([server], { clock, ...options }), clock];
}

/** Waits, for a few seconds at most, until something that comes over the network has come. */
export async function eventually(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('what was waited for did not come');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
