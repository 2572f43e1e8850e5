import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Server } from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.js';
import { Gateway } from '../gateway/gateway.js';
import type { GatewayLimits } from '../gateway/gateway-limits.js';
import { canonical, ROOT } from '../gateway/paths.js';
import type { HttpFront } from '../http-face.js';
import { CLUSTER_VERSION, ETCD_VERSION } from '../maintenance.js';
import { AccessControl, type HttpAccess } from './access.js';
import { Health, type HealthObserver, type HealthPort } from './health.js';
import { answer, answerError, answerReadOnly } from './plain-answers.js';

/** What tells metrics as a text. */
export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
}

/** What answers to HTTP/1.1 are made from. */
export interface HttpFrontParts extends HttpAccess {
  readonly clock: Clock;
  /** Bytes of one binary message, as gRPC bounds them. */
  readonly messageBytesMax: number;
  readonly health: HealthPort;
  readonly healthObserver?: HealthObserver | undefined;
  /** Absent: there is no `/metrics`. */
  readonly metrics?: MetricsPage | undefined;
  readonly limits?: Partial<GatewayLimits> | undefined;
}

/** Times of HTTP itself, in milliseconds. */
const HEADERS_MS = 10_000;
const IDLE_MS = 120_000;

/** Only to make a path absolute: what host a client named is `AccessControl`'s matter. */
const ANY_HOST = 'http://member';

/** What carries the services of a member. */
interface Services {
  addTo(server: Pick<Server, 'addService'>): void;
}

/**
 * Everything that a member answers to HTTP/1.1: the gateway below `/v3/`, health, `/version` and `/metrics`. It is given the
 * handlers of gRPC's services, so that admission, callers and errors are the same.
 */
export class MemberHttp implements HttpFront {
  readonly #parts: HttpFrontParts;
  readonly #gateway: Gateway;
  readonly #access: AccessControl;
  readonly #health: Health;

  constructor(parts: HttpFrontParts, handlers: Services) {
    this.#parts = parts;
    this.#gateway = new Gateway(parts);
    this.#access = new AccessControl(parts);
    this.#health = new Health(parts.health, parts.healthObserver);
    handlers.addTo(this.#gateway);
  }

  get gateway(): Gateway {
    return this.#gateway;
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    // A request without a listener for its errors would end the process when its connection breaks.
    request.on('error', () => undefined);
    if (!this.#access.admits(request, response)) return;
    const url = URL.canParse(request.url ?? '', ANY_HOST) ? new URL(request.url ?? '', ANY_HOST) : undefined;
    if (url === undefined) return answerError(response, 400, 'Bad Request');
    this.#route(url, request, response);
  };

  /** Bounds how long a connection may take its time. A body has a limit of its own, see {@link GatewayLimits}. */
  readonly configure = (server: HttpServer): void => {
    server.headersTimeout = HEADERS_MS;
    server.requestTimeout = 0;
    server.keepAliveTimeout = IDLE_MS;
  };

  /** Nothing is held beyond the calls under way, which end with their streams. */
  close(): void {}

  #route(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const path = canonical(url.pathname);
    if (path.startsWith(ROOT)) this.#toGateway(path, request, response);
    else if (this.#health.has(path)) this.#health.handle(url, request, response);
    else if (path === '/version') this.#read(request, response, async () => this.#version(response));
    else if (path === '/metrics' && this.#parts.metrics) {
      this.#read(request, response, () => this.#metrics(this.#parts.metrics as MetricsPage, response));
    } else answerError(response, 404, '404 page not found');
  }

  #toGateway(path: string, request: IncomingMessage, response: ServerResponse): void {
    if (!this.#gateway.has(path)) return answerError(response, 404, 'Not Found');
    if (request.method !== 'POST') return answerError(response, 405, 'Method Not Allowed');
    this.#gateway.handle(path, request, response);
  }

  #read(request: IncomingMessage, response: ServerResponse, read: () => Promise<void>): void {
    if (request.method !== 'GET') return answerReadOnly(response);
    read().catch(() => answerError(response, 500, 'internal error'));
  }

  #version(response: ServerResponse): void {
    const versions = { etcdserver: ETCD_VERSION, etcdcluster: CLUSTER_VERSION, storage: CLUSTER_VERSION };
    answer(response, 200, JSON.stringify(versions), { 'content-type': 'application/json' });
  }

  async #metrics(page: MetricsPage, response: ServerResponse): Promise<void> {
    answer(response, 200, await page.text(), { 'content-type': page.contentType });
  }
}
