/** The services that answer anybody: gRPC's own, for probes and tools, which have no token. */
import type { ServiceDefinition } from '@grpc/grpc-js';
import { type HealthCheckRequest, HealthService as HealthDefinition } from '../gen/health.js';
import {
  ServerReflectionService,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../gen/reflection.js';
import { ServerReflectionService as OldReflectionService } from '../gen/reflection-v1alpha.js';
import { HealthService } from '../health-service.js';
import { ReflectionService } from '../reflection-service.js';
import type { CallGate } from './call-gate.js';
import { converseHandler } from './converse-handler.js';
import { downloadHandler, NO_HURRY_MS } from './download-handler.js';
import type { LastingCalls } from './lasting-calls.js';
import type { HandlerParts, ServiceHandlers } from './parts.js';
import { UnaryHandlers } from './unary-handlers.js';

const OWN = [HealthDefinition, ServerReflectionService, OldReflectionService];

/** Those services, each with its handlers. */
export class OpenServices {
  readonly #parts: HandlerParts;
  readonly #gate: CallGate;
  readonly #lasting: LastingCalls;
  readonly #health: HealthService;
  readonly #reflection: ReflectionService;

  /** @param others - what else is served */
  constructor(parts: HandlerParts, gate: CallGate, lasting: LastingCalls, others: readonly ServiceDefinition[]) {
    this.#parts = parts;
    this.#gate = gate;
    this.#lasting = lasting;
    this.#health = new HealthService(parts.member);
    this.#reflection = new ReflectionService([...others, ...OWN].map(nameOf));
  }

  all(): readonly (readonly [ServiceDefinition, ServiceHandlers])[] {
    const reflection = this.#reflectionHandlers();
    return [
      [HealthDefinition, this.#healthHandlers()],
      [ServerReflectionService, reflection],
      [OldReflectionService, reflection],
    ];
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

  /** What the .proto files say is no secret, and a learner knows it as well. */
  #reflectionHandlers(): ServiceHandlers {
    return {
      serverReflectionInfo: converseHandler<ServerReflectionRequest, ServerReflectionResponse>(this.#lasting, {
        ...{ what: 'streams of reflection', most: this.#parts.limits.reflectionStreamsMax, forLearners: true },
        begin: () => this.#reflection.begin(),
      }),
    };
  }
}

/** `/etcdserverpb.KV/Range` is a method of `etcdserverpb.KV`. */
function nameOf(service: ServiceDefinition): string {
  const [method] = Object.values(service);
  return method?.path.split('/')[1] ?? '';
}
