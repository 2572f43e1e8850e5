import type { Member } from '../member/member.js';
import { type ListenAt, toAddresses, toUrl } from './addresses.js';
import type { Surroundings } from './assemble.js';
import { clientFace } from './client-http.js';
import type { Closers } from './closers.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);

/** Election timeouts without a leader after which streams of clients that want one end (etcd: the same). */
const LEADER_LOSS_TIMEOUTS = 3;

/**
 * Serves etcd's protocol for a member.
 *
 * @returns where clients reach it
 * @throws {@link InvalidArgumentError} if an address is not of the form `http://host:port`
 * @throws the operating system's error if an address cannot be listened on, such as one in use
 */
export async function listen(
  member: Member,
  at: ListenAt,
  { platform, logger, settings }: Surroundings,
  closers: Closers,
) {
  const addresses = toAddresses(at, 'listen');
  const face = await clientFace(member, settings);
  const urls: string[] = [];
  for (const { host, port } of addresses) {
    if (!LOOPBACK.has(host)) logger.warn({ host, port }, 'whoever reaches this address can read and change everything');
    const limits = { leaderLossMs: LEADER_LOSS_TIMEOUTS * settings.electionTimeoutMs };
    const server = await platform.serve({
      host,
      port,
      member,
      maxRequestBytes: settings.requestBytesMax,
      logger,
      limits,
      ...face,
    });
    closers.add(() => server.close());
    urls.push(toUrl(server));
  }
  return urls;
}
