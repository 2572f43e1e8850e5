/** The services that answer anybody: gRPC's own, for probes and tools, which have no token. */
import type { ServiceDefinition } from '@grpc/grpc-js';
import { type HealthCheckRequest, HealthService as HealthDefinition } from '../gen/health.js';
import { HealthService } from '../health-service.js';
import type { CallGate } from './call-gate.js';
import { downloadHandler, NO_HURRY_MS } from './download-handler.js';
import type { LastingCalls } from './lasting-calls.js';
import type { HandlerParts, ServiceHandlers } from './parts.js';
import { UnaryHandlers } from './unary-handlers.js';

/** Those services, each with its handlers. */
export class OpenServices {
  readonly #parts: HandlerParts;
  readonly #gate: CallGate;
  readonly #lasting: LastingCalls;
  readonly #health: HealthService;

  constructor(parts: HandlerParts, gate: CallGate, lasting: LastingCalls) {
    this.#parts = parts;
    this.#gate = gate;
    this.#lasting = lasting;
    this.#health = new HealthService(parts.member);
  }

  all(): readonly (readonly [ServiceDefinition, ServiceHandlers])[] {
    return [[HealthDefinition, this.#healthHandlers()]];
  }

  /** As in etcd, a learner refuses them: nobody is to send it requests. */
  #healthHandlers(): ServiceHandlers {
    const { member, limits } = this.#parts;
    const { waitingCallsMax: most } = limits;
    const who = async () => this.#health;
    const { soon } = new UnaryHandlers(this.#gate, this.#lasting, who, most);
    return {
      check: soon(HealthDefinition.check, (health, request) => health.check(request)),
      list: soon(HealthDefinition.list, (health) => health.list()),
      watch: downloadHandler(
        { lasting: this.#lasting, clock: member.clock, who },
        {
          ...{ what: 'watches of health', most, stallMs: NO_HURRY_MS, forLearners: false },
          messages: (health, request: HealthCheckRequest, signal) => health.watch(request, signal),
        },
      ),
    };
  }
}
