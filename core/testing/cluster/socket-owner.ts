import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** As /proc/net/tcp writes 127.0.0.1. */
const LOOPBACK = '0100007F';

/** The two ends of a connection on 127.0.0.1, as the process sees it that made it. */
export interface LoopbackConnection {
  readonly nearPort: number;
  readonly farPort: number;
}

/**
 * Which of these processes has the near end of a connection. All members dial a member at one address, since ids derive from
 * it; so a link that shall treat them differently must find out who dials. The kernel knows.
 *
 * @returns undefined if none of them has it, or where there is no /proc to ask
 */
export function ownerOf(connection: LoopbackConnection, pids: readonly number[]): number | undefined {
  const inode = inodeOf(connection);
  return inode === undefined ? undefined : pids.find((pid) => hasOpen(pid, `socket:[${inode}]`));
}

function inodeOf({ nearPort, farPort }: LoopbackConnection): string | undefined {
  const ends = [`${LOOPBACK}:${hex(nearPort)}`, `${LOOPBACK}:${hex(farPort)}`];
  for (const line of read('/proc/net/tcp').split('\n')) {
    // sl, local address, remote address, state, queues, timer, retransmits, user, timeout, inode
    const fields = line.trim().split(/\s+/);
    if (fields[1] === ends[0] && fields[2] === ends[1]) return fields[9];
  }
  return undefined;
}

function hasOpen(pid: number, what: string): boolean {
  const folder = `/proc/${pid}/fd`;
  return list(folder).some((file) => linkOf(`${folder}/${file}`) === what);
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
