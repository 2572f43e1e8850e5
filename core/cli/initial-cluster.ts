import { InvalidArgumentError } from '../base/errors.js';

/** The members of a cluster: by name, where each listens for the others. */
export type InitialPeers = Readonly<Record<string, readonly string[]>>;

/**
 * `a=http://h:1,a=http://h:2,b=http://k:1` by name.
 *
 * @param given - the flag, for the error
 * @throws {@link InvalidArgumentError} if a part is not of that form
 */
export function parseInitialCluster(text: string, given: string): InitialPeers {
  const peers: Record<string, string[]> = {};
  for (const part of text.split(',')) {
    const [, name, url] = /^\s*([^=\s]+)=(\S+)\s*$/.exec(part) ?? [];
    if (name === undefined || url === undefined) {
      throw new InvalidArgumentError(given, part, 'name=http://host:port, separated by commas');
    }
    (peers[name] ??= []).push(url);
  }
  return peers;
}
