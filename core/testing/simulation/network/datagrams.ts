import type { PeerHandler, PeerMessage } from '../../../peer/types.js';
import type { MemberId, Message } from '../../../raft/types.js';
import type { Life } from '../process/virtual-process.js';
import type { Link } from './link.js';

/** What raft itself says: it must bear that any of it is lost, late or said twice. */
const OF_RAFT: ReadonlySet<string> = new Set<Message['type']>([
  'requestPreVote',
  'requestVote',
  'preVoteAnswer',
  'voteAnswer',
  'appendEntries',
  'appendEntriesAnswer',
  'heartbeat',
  'heartbeatAnswer',
  'installSnapshot',
  'installSnapshotAnswer',
  'timeoutNow',
  'readIndex',
  'readIndexAnswer',
]);

/**
 * Between the connections, which keep everything in order, and the member: where a link is not in order, or doubles,
 * each of raft's messages has a fate of its own. All else that members say relies on a connection, and passes.
 */
export class Datagrams {
  readonly #life: Life;
  readonly #linkFrom: (id: MemberId) => Link | undefined;
  /** When the latest message of each link arrives. */
  readonly #latestUs = new Map<Link, number>();

  constructor(life: Life, linkFrom: (id: MemberId) => Link | undefined) {
    this.#life = life;
    this.#linkFrom = linkFrom;
  }

  /** The handler, whose messages pass through here. */
  before(handler: PeerHandler): PeerHandler {
    return {
      accept: (greeting) => handler.accept(greeting),
      members: () => handler.members(),
      onMessages: (from, messages) => this.#arrived(from, messages, handler),
      onSnapshot: (from, announcement, chunks) => handler.onSnapshot(from, announcement, chunks),
      onGone: (id) => handler.onGone(id),
      onUnreachable: (id) => handler.onUnreachable(id),
      onRefused: (by, refused) => handler.onRefused(by, refused),
    };
  }

  #arrived(from: MemberId, messages: readonly PeerMessage[], handler: PeerHandler): void {
    const link = this.#linkFrom(from);
    if (link === undefined || (link.isFifo && link.duplicate === 0)) return handler.onMessages(from, messages);
    const kept = messages.filter((message) => {
      if (!OF_RAFT.has(message.type)) return true;
      const deliver = () => handler.onMessages(from, [message]);
      if (link.isFifo) this.#double(link, deliver);
      else this.#scatter(link, deliver);
      return link.isFifo;
    });
    if (kept.length > 0) handler.onMessages(from, kept);
  }

  #double(link: Link, deliver: () => void): void {
    if (!link.draws(link.duplicate)) return;
    link.felt('duplicate');
    this.#life.enterAfter(link.drawDelayUs() / 1_000, deliver);
  }

  #scatter(link: Link, deliver: () => void): void {
    if (link.draws(link.loss)) return link.felt('loss');
    this.#double(link, deliver);
    const delayUs = link.drawDelayUs();
    const atUs = this.#life.scheduler.nowUs + delayUs;
    const latestUs = this.#latestUs.get(link) ?? 0;
    if (atUs < latestUs) link.felt('reorder');
    this.#latestUs.set(link, Math.max(atUs, latestUs));
    this.#life.enterAfter(delayUs / 1_000, deliver);
  }
}
