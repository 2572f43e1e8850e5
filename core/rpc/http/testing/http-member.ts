import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as send,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { silentLogger } from '../../../base/logger.js';
import { Handlers } from '../../grpc-handlers.js';
import { DEFAULT_LIMITS } from '../../rpc-limits.js';
import type { FakeMember } from '../../testing/fake-member.js';
import type { HealthPort } from '../health.js';
import { type HttpFrontParts, MemberHttp } from '../http-front.js';

/** An answer that is all there. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** How a request differs from a plain POST. */
export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A fake member behind node's own HTTP server. */
export class HttpMember {
  readonly front: MemberHttp;
  readonly handlers: Handlers;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  private constructor(member: FakeMember, parts: Partial<HttpFrontParts>) {
    const messageBytesMax = parts.messageBytesMax ?? 100_000;
    const handling = { member, logger: silentLogger, limits: DEFAULT_LIMITS, watchMessageBytesMax: messageBytesMax };
    this.handlers = new Handlers(handling);
    const health: HealthPort = {
      get leader() {
        return member.leader;
      },
      get isLearner() {
        return member.isLearner;
      },
      alarms: () => [],
      range: (request) => member.range(request),
    };
    this.front = new MemberHttp({ clock: member.clock, messageBytesMax, health, ...parts }, this.handlers);
    this.#server = createServer(this.front.handle);
    this.front.configure(this.#server);
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(member: FakeMember, parts: Partial<HttpFrontParts> = {}): Promise<HttpMember> {
    const started = new HttpMember(member, parts);
    started.#server.listen(0, '127.0.0.1');
    await once(started.#server, 'listening');
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Begins a request; nothing of its body is sent. */
  open(path: string, { method = 'POST', headers = {} }: Asking = {}): ClientRequest {
    return send({ host: '127.0.0.1', port: this.port, path, method, headers, agent: false });
  }

  /** Asks, and waits for all of the answer. */
  async ask(path: string, body: string | object = '', asking: Asking = {}): Promise<WholeAnswer> {
    const request = this.open(path, asking);
    request.on('error', () => undefined);
    request.end(typeof body === 'string' ? body : JSON.stringify(body));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() };
  }

  async close(): Promise<void> {
    this.handlers.close();
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
