import { between, type Prng } from '../../../base/prng.js';
import type { Chronicle } from '../invariants/chronicle.js';
import { compactor } from './compactor.js';
import { configUser, Releases } from './config-user.js';
import { Exclusive, exclusiveUser } from './exclusive-user.js';
import { kvUser, SharedKeys } from './kv-user.js';
import { leaseUser } from './lease-user.js';
import { Candidacies, observer } from './observer.js';
import { QueueCheck } from './queue-check.js';
import { consumer, producer, releaseOf, type SharedQueue } from './queue-user.js';
import { rangeUser } from './range-user.js';
import { registrant, viewer } from './registry-user.js';
import type { Surroundings } from './surroundings.js';
import { WatchesOpen, watchUser } from './watch-user.js';

/** What one user does, until all work ends. */
export interface Role {
  readonly kind: string;
  readonly play: (surroundings: Surroundings) => Promise<void>;
}

export interface RolesParts {
  readonly chronicle: Chronicle;
  readonly report: (what: string) => void;
  readonly keyCount: number;
  readonly prng: Prng;
}

/** A subject is taken up in so many of the worlds. */
const SUBJECT_SHARE = 0.4;
const LINGER_MS = 2_500;

/** Everything that users share: keys, a lock, an election, a queue, a registry, a configuration. */
export class Roles {
  readonly watches = new WatchesOpen();
  readonly queue: SharedQueue;
  readonly #parts: RolesParts;
  readonly #keys: SharedKeys;
  readonly #mutex: Exclusive;
  readonly #election: Exclusive;
  readonly #candidacies: Candidacies;
  readonly #releases: Releases;

  constructor(parts: RolesParts) {
    const { prng, chronicle, report } = parts;
    this.#parts = parts;
    this.#keys = new SharedKeys(parts.keyCount);
    this.#mutex = new Exclusive('mutex', 'contended', Exclusive.ttlMs(prng.next()), parts);
    this.#election = new Exclusive('election', 'contended', Exclusive.ttlMs(prng.next()), parts);
    this.#candidacies = new Candidacies(this.#election, chronicle);
    this.queue = this.#openQueue();
    this.#releases = new Releases(chronicle, report);
  }

  /** Those who work in one world: always some on keys, and on each other subject, if it is taken up, a few. */
  draw(): readonly Role[] {
    return [
      ...this.#few(1, 3, { kind: 'kv', play: (given) => kvUser(this.#keys, given) }),
      ...this.#subject(() => this.#few(1, 2, { kind: 'range', play: rangeUser })),
      ...this.#subject(() => this.#few(1, 3, { kind: 'watch', play: (given) => watchUser(this.watches, given) })),
      ...this.#subject(() => this.#few(1, 3, { kind: 'lease', play: leaseUser })),
      ...this.#subject(() => this.#few(1, 1, { kind: 'compactor', play: compactor })),
      ...this.#subject(() => this.#few(2, 4, { kind: 'mutex', play: (given) => exclusiveUser(this.#mutex, given) })),
      ...this.#subject(() => this.#electionRoles()),
      ...this.#subject(() => this.#queueRoles()),
      ...this.#subject(() => [
        ...this.#few(1, 2, { kind: 'registrant', play: registrant }),
        ...this.#few(1, 2, { kind: 'viewer', play: viewer }),
      ]),
      ...this.#subject(() => this.#few(1, 3, { kind: 'config', play: (given) => configUser(this.#releases, given) })),
    ];
  }

  #subject(roles: () => readonly Role[]): readonly Role[] {
    return this.#parts.prng.next() < SUBJECT_SHARE ? roles() : [];
  }

  #few(least: number, most: number, role: Role): readonly Role[] {
    return Array.from({ length: between(this.#parts.prng, least, most) }, () => role);
  }

  #electionRoles(): readonly Role[] {
    return [
      ...this.#few(2, 3, { kind: 'election', play: (given) => exclusiveUser(this.#election, given) }),
      ...this.#few(0, 2, { kind: 'observer', play: (given) => observer(this.#election, this.#candidacies, given) }),
    ];
  }

  #queueRoles(): readonly Role[] {
    return [
      ...this.#few(1, 2, { kind: 'producer', play: (given) => producer(this.queue, given) }),
      ...this.#few(1, 3, { kind: 'consumer', play: (given) => consumer(this.queue, given) }),
    ];
  }

  #openQueue(): SharedQueue {
    const { prng, chronicle, report } = this.#parts;
    const itemsMin = between(prng, 1, 4);
    const lingers = prng.next() < 0.5;
    const release = releaseOf(lingers ? { itemsMin, lingerMs: LINGER_MS } : { itemsMin });
    const check = new QueueCheck('work', { chronicle, report, itemsMin, lingers });
    const consumers: SharedQueue['consumers'] = new Map();
    return {
      check,
      release,
      consumers,
      get isConsumed() {
        return [...consumers.values()].some((goesOn) => goesOn());
      },
    };
  }
}
