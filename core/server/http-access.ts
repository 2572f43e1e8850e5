import { isIP } from 'node:net';
import { InvalidArgumentError } from '../base/errors.js';
import type { HttpAccess } from '../rpc/http/access.js';

/** Who may ask a member by HTTP, among those that a browser speaks for. */
export interface HttpAccessOptions {
  /** Origins, such as `'https://app.example'`, whose pages may read answers (etcd: `--cors`). Default: `['*']`, all. */
  readonly cors?: readonly string[];
  /**
   * Hosts, without ports, under whose names a member may be asked by HTTP without TLS (etcd: `--host-whitelist`). With its own
   * names alone, no page can have a name of its own resolve to the member (CVE-2018-5702). Default: `['*']`, all.
   */
  readonly hostWhitelist?: readonly string[];
}

const ALL = '*';
/** Letters of names as they stand in a request; how a name is put together is DNS's matter. */
const HOST = /^[\w.-]{1,255}$/;

/**
 * What these options come to.
 *
 * @throws {@link InvalidArgumentError} naming the first that is no origin, or no host
 */
export function httpAccessOf({ cors, hostWhitelist }: HttpAccessOptions): HttpAccess {
  return {
    ...(cors && { cors: several(cors, 'cors').map((one) => toOrigin(one)) }),
    ...(hostWhitelist && { hosts: several(hostWhitelist, 'hostWhitelist').map((one) => toHost(one)) }),
  };
}

/** None at all would shut everybody out, and is more likely an oversight. */
function several(given: readonly string[], field: string): readonly string[] {
  const value: unknown = given;
  if (Array.isArray(value) && value.length > 0) return given;
  throw new InvalidArgumentError(field, JSON.stringify(given), "one or more; '*' for all");
}

/** As browsers write it: without the port of the scheme, and without a path. */
function toOrigin(given: string): string {
  if (given === ALL) return ALL;
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
  const isOrigin = url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (isOrigin) return url.origin;
  throw new InvalidArgumentError('cors', given, "an origin such as 'https://app.example:8443', or '*'");
}

function toHost(given: string): string {
  if (given === ALL) return ALL;
  const host = typeof given === 'string' ? given.replace(/^\[(.*)\]$/, '$1') : '';
  if (HOST.test(host) || isIP(host) === 6) return host;
  throw new InvalidArgumentError(
    'hostWhitelist',
    given,
    "a host such as 'db.example' or '10.0.0.1', without a port, or '*'",
  );
}
