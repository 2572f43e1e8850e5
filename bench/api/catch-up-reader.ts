/**
 * A process that reads a watch from the past, as often as it is asked to: what reading takes is then not taken from those who
 * measure the others. Its argument is the member's address; it is asked, and answers, by messages.
 */
import { RawClient } from '../../core/rpc/testing/raw-client.js';
import { WatchService } from '../../core/rpc/gen/watch.js';
import { createWatch, eventCount } from './watch-messages.js';

/** Asks for so many events of the keys with a prefix, from a revision on. */
export interface Asked {
  readonly prefix: string;
  readonly fromRevision: number;
  readonly events: number;
}

/** Milliseconds from the request to the last event. */
export interface Answered {
  readonly tookMs: number;
}

const [host = '', port = ''] = process.argv.slice(2);
const client = new RawClient({ host, port: Number(port) });

process.on('message', (asked: Asked) => void answer(asked));

async function answer({ prefix, fromRevision, events }: Asked): Promise<void> {
  const stream = client.stream(WatchService.watch);
  const begunMs = performance.now();
  stream.send(createWatch({ prefix, startRevision: BigInt(fromRevision) }));
  for (let left = events; left > 0;) left -= eventCount(await stream.next());
  const answered: Answered = { tookMs: performance.now() - begunMs };
  stream.cancel();
  process.send?.(answered);
}
