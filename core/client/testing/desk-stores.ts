import type { WatchBatch } from '../../base/operation.js';
import type { Store, WatchStream } from '../../store.js';
import type { ManualClock } from '../../testing/manual-clock.js';
import type { ClientOptions } from '../settings.js';
import type { ScriptedServer } from './scripted-server.js';
import { connect, connectByHand, serve } from './stores.js';
import { WatchDesk } from './watch-desk.js';

/** A store whose watch streams the test answers by hand. */
export async function atDesk(options: ClientOptions = {}): Promise<[Store, WatchDesk, ScriptedServer]> {
  const desk = new WatchDesk();
  const server = await serve({ watch: desk.accept });
  return [await connect([server], options), desk, server];
}

export async function atDeskByHand(
  options: ClientOptions = {},
): Promise<[Store, WatchDesk, ManualClock, ScriptedServer]> {
  const desk = new WatchDesk();
  const server = await serve({ watch: desk.accept });
  const [store, clock] = await connectByHand(server, options);
  return [store, desk, clock, server];
}

/** Reads so many batches; answers the revisions of the events of each. */
export async function revisions(stream: WatchStream, count: number): Promise<number[][]> {
  const read: number[][] = [];
  while (read.length < count) {
    const { done, value } = await next(stream);
    if (done) throw new Error('the watch ended');
    read.push(value.events.map((event) => event.kv.modRevision));
  }
  return read;
}

/** The next batch, or the end. */
export function next(stream: WatchStream): Promise<IteratorResult<WatchBatch, undefined>> {
  return stream[Symbol.asyncIterator]().next();
}
