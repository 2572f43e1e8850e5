import { grpcStore } from '../../../client/grpc-store.js';
import type { ClientLimits } from '../../../client/settings.js';
import type { Store } from '../../../store.js';
import { virtualChannels } from '../carrier/virtual-channel.js';
import type { World } from '../world.js';
import { clientUrlOf, type VirtualMember } from './virtual-member.js';
import { VirtualProcess } from './virtual-process.js';

/** What a client's stores are told. */
export interface VirtualClientOptions extends Partial<ClientLimits> {
  /** Names of members that may come later: whoever configures clients knows the machines that there are. */
  readonly laterMembers?: readonly string[];
}

/** A process in a world that uses the store over the network. It runs from the moment it is added. */
export class VirtualClient extends VirtualProcess {
  readonly #options: VirtualClientOptions;

  /** For {@link World.addClient}. */
  constructor(world: World, name: string, lane: number, options: VirtualClientOptions) {
    super(world, name, lane);
    this.#options = options;
    this.begin();
  }

  /**
   * A store over the network, as `connect('http://…')` gives it but for the first connection, which the first call makes.
   *
   * @param endpoints - default: all members that the world has at present
   */
  store(endpoints: readonly VirtualMember[] = this.world.members): Store {
    const { life, clock, logger, prng, origin } = this;
    if (life === undefined) throw new Error(`${this.name} does not run`);
    const { laterMembers = [], ...limits } = this.#options;
    const urls = new Set([...endpoints.map(({ url }) => url), ...laterMembers.map(clientUrlOf)]);
    const addresses = [...urls].map((url) => ({ host: new URL(url).hostname, port: Number(new URL(url).port) }));
    const openChannel = virtualChannels(this.world.network, life);
    return grpcStore(addresses, { ...limits, clock, logger, prng, origin, openChannel });
  }

  /** Ends the process, as by SIGKILL. */
  kill(): void {
    const { life } = this;
    if (life === undefined) return;
    this.world.trace.note('is killed', this.name);
    this.end();
    this.world.network.ended(life);
    this.world.touched(this);
  }

  /** Starts it again, with nothing of what it had. */
  restart(): void {
    this.begin();
  }
}
