import { onAbort } from '../base/abort.js';
import type * as pb from './gen/health.js';
import { HealthCheckResponse_ServingStatus as Status } from './gen/health.js';
import type { ServedMember } from './ports.js';
import { UnknownServiceError } from './service-errors.js';

/** The only service that etcd tells of: the server as a whole. */
const WHOLE = '';

/**
 * gRPC's standard health service, for probes: whoever asks, without a token. As in etcd it tells whether the member serves,
 * not whether its cluster does; `/readyz` tells that. A member serves until it stops, and while it is defragmented too.
 *
 * @remarks Source: grpc-proto, `grpc/health/v1/health.proto`; etcd v3.7.1, `server/etcdserver/api/v3rpc/health.go`.
 */
export class HealthService {
  #status = Status.SERVING;

  constructor({ stopped }: Pick<ServedMember, 'stopped'>) {
    void stopped.then(() => (this.#status = Status.NOT_SERVING));
  }

  /** @throws {@link UnknownServiceError} for any other service than the whole */
  async check({ service }: pb.HealthCheckRequest): Promise<pb.HealthCheckResponse> {
    if (service !== WHOLE) throw new UnknownServiceError();
    return { status: this.#status };
  }

  async list(): Promise<pb.HealthListResponse> {
    return { statuses: { [WHOLE]: { status: this.#status } } };
  }

  /**
   * Tells the status; one of a service that is not known is a status as well. It does not change as long as there is anyone
   * to tell: when the member stops, so do its streams.
   *
   * @param signal - ends it
   */
  async *watch(
    { service }: pb.HealthCheckRequest,
    signal: AbortSignal,
  ): AsyncGenerator<pb.HealthCheckResponse, void, undefined> {
    yield { status: service === WHOLE ? this.#status : Status.SERVICE_UNKNOWN };
    await new Promise<void>((resolve) => onAbort(signal, () => resolve()));
  }
}
