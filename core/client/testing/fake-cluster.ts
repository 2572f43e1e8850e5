import { status } from '@grpc/grpc-js';
import type { WatchRequest, WatchResponse } from '../../rpc/gen/watch.js';
import { FaultyLink } from './faulty-link.js';
import {
  failure,
  header,
  putAnswer,
  rangeAnswer,
  ScriptedServer,
  watchMessage,
  type WatchWire,
} from './scripted-server.js';
import { putOf } from './watch-desk.js';

/** One revision: how many keys it changed. */
type Revision = number;

interface FakeWatch {
  readonly wire: WatchWire;
  readonly id: bigint;
  next: number;
  isTold: boolean;
}

/** One member as a client sees it: it knows the cluster's history up to some revision, and serves watches from that. */
export class FakeMember {
  /** The last revision that it knows. It may be behind the others. */
  applied = 0;
  hasLeader = true;
  readonly puts: string[] = [];
  readonly #history: readonly Revision[];
  readonly #server: ScriptedServer;
  readonly link: FaultyLink;
  readonly #watches = new Set<FakeWatch>();

  private constructor(history: Revision[], server: ScriptedServer, link: FaultyLink) {
    this.#history = history;
    this.#server = server;
    this.link = link;
    server.script.range = () => (this.hasLeader ? rangeAnswer(this.applied + 1) : noLeader());
    server.script.put = ({ value }) => {
      if (!this.hasLeader) return noLeader();
      this.puts.push(value.toString());
      return putAnswer(this.applied + 1);
    };
    server.script.watch = (wire) => this.#accept(wire);
  }

  static async start(history: Revision[]): Promise<FakeMember> {
    const server = await ScriptedServer.start();
    return new FakeMember(history, server, await FaultyLink.open(server));
  }

  /** Learns of the history up to a revision, and tells its watches. */
  apply(upTo: number): void {
    this.applied = Math.max(this.applied, upTo);
    for (const watch of this.#watches) void this.#tell(watch);
  }

  loseLeader(): void {
    this.hasLeader = false;
    for (const { wire } of [...this.#watches]) wire.emit('error', noLeader());
    this.#watches.clear();
  }

  get watchCount(): number {
    return this.#watches.size;
  }

  async close(): Promise<void> {
    await this.link.close();
    await this.#server.close();
  }

  #accept(wire: WatchWire): void {
    if (!this.hasLeader) return void wire.emit('error', noLeader());
    const forget = () => {
      for (const watch of this.#watches) if (watch.wire === wire) this.#watches.delete(watch);
    };
    wire.on('close', forget);
    wire.on('cancelled', forget);
    wire.on('end', () => wire.end());
    wire.on('data', ({ requestUnion: request }: WatchRequest) => {
      if (request?.$case === 'cancelRequest') this.#cancel(wire, request.cancelRequest.watchId);
      if (request?.$case !== 'createRequest') return;
      const { watchId, startRevision, key, rangeEnd } = request.createRequest;
      if (key.equals(rangeEnd)) {
        return this.#send(wire, {
          watchId: -1n,
          created: true,
          canceled: true,
          cancelReason: 'mvcc: watcher range is empty',
        });
      }
      this.#send(wire, { watchId, created: true });
      const from = startRevision === 0n ? this.applied + 1 : Number(startRevision);
      // etcd could send a watch on the future what happens before it, too (its issue 20221); so this one always does.
      const watch = { wire, id: watchId, next: Math.min(from, this.applied + 1), isTold: false };
      this.#watches.add(watch);
      void this.#tell(watch);
    });
  }

  #cancel(wire: WatchWire, id: bigint): void {
    for (const watch of this.#watches) if (watch.wire === wire && watch.id === id) this.#watches.delete(watch);
    this.#send(wire, { watchId: id, canceled: true });
  }

  /** Sends what it knows from the watch's next revision on; some revisions in two parts, as etcd does with large ones. */
  async #tell(watch: FakeWatch): Promise<void> {
    if (watch.isTold) return;
    watch.isTold = true;
    while (watch.next <= this.applied && this.#watches.has(watch)) {
      const revision = watch.next;
      const events = Array.from({ length: this.#history[revision - 1] as number }, () => putOf(revision));
      const cut = revision % 3 === 0 ? Math.floor(events.length / 2) : 0;
      if (cut > 0) {
        this.#send(watch.wire, { watchId: watch.id, events: events.slice(0, cut), fragment: true });
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      this.#send(watch.wire, { watchId: watch.id, events: events.slice(cut) });
      watch.next += 1;
    }
    watch.isTold = false;
  }

  #send(wire: WatchWire, part: Partial<WatchResponse>): void {
    wire.write(watchMessage({ header: header(this.applied), ...part }));
  }
}

function noLeader(): Error {
  return failure(status.UNAVAILABLE, 'etcdserver: no leader');
}
