import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerError } from './plain-answers.js';

/** Who may ask by HTTP. */
export interface HttpAccess {
  /** Origins whose pages may read answers (etcd: `--cors`); `*` is all. Default: all. */
  readonly cors?: readonly string[] | undefined;
  /** Names under which a client may ask without TLS (etcd: `--host-whitelist`); `*` is all. Default: all. */
  readonly hosts?: readonly string[] | undefined;
}

const ALL = '*';

/** Browsers ask for these on behalf of the pages that they show. */
export class AccessControl {
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;

  constructor({ cors = [ALL], hosts = [ALL] }: HttpAccess) {
    this.#origins = new Set(cors);
    this.#hosts = new Set(hosts);
  }

  /** Whether the request goes on. One that does not is answered. */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    const host = hostOf(request);
    // TLS proves whom the client wanted to reach; without it, any page may have its own name resolve to us.
    if (!('encrypted' in request.socket) && !this.#has(this.#hosts, host)) {
      answerError(response, 421, unknownHost(host));
      return false;
    }
    this.#allowOrigin(request, response);
    if (request.method !== 'OPTIONS') return true;
    response.writeHead(200, { 'content-length': 0 }).end();
    return false;
  }

  #allowOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
    const allowed = this.#origins.has(ALL) ? ALL : headers.origin;
    if (allowed === undefined || !this.#has(this.#origins, allowed)) return;
    response.setHeader('access-control-allow-methods', 'POST, GET, OPTIONS, PUT, DELETE');
    response.setHeader('access-control-allow-origin', allowed);
    response.setHeader('access-control-allow-headers', 'accept, content-type, authorization');
  }

  #has(names: ReadonlySet<string>, name: string): boolean {
    return names.has(ALL) || names.has(name);
  }
}

/** The name under which a client asks, without a port: `[::1]:2379` → `::1`. */
function hostOf({ headers }: IncomingMessage): string {
  const host = headers.host ?? '';
  return /^\[(.*)\](:\d*)?$/.exec(host)?.[1] ?? host.replace(/:\d*$/, '');
}

function unknownHost(host: string): string {
  return [
    `The host ${JSON.stringify(host)} is not one of those under which this member may be asked without TLS.`,
    'Use TLS, or add the name to the list of hosts (etcd: --host-whitelist).',
    'This keeps pages in a browser from reaching it under a name of their own (DNS rebinding, CVE-2018-5702).',
  ].join('\n');
}
