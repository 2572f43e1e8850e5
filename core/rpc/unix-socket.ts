import { once } from 'node:events';
import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Clock } from '../base/clock.js';
import { InvalidArgumentError } from '../base/errors.js';

/** A unix socket. */
export interface SocketFile {
  readonly path: string;
  /** Who may connect, as the file's permissions. Absent: what the process's umask leaves. */
  readonly mode?: number | undefined;
}

const ANSWER_MS = 1_000;

/**
 * Makes room for a socket's file: one that a process left behind when it was killed is removed, if nobody answers on it.
 * One on which somebody answers stays, and whoever listens then is told by the system that it is in use.
 *
 * @returns gives the file its permissions, once it is there
 * @throws {@link InvalidArgumentError} if something else than a socket is there
 */
export async function prepareSocketFile({ path, mode }: SocketFile, clock: Clock): Promise<() => Promise<void>> {
  const found = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found !== undefined && !found.isSocket()) {
    throw new InvalidArgumentError('listen', path, 'a path where nothing is but, perhaps, a socket');
  }
  if (found !== undefined && (await isDeserted(path, clock))) await unlink(path);
  return async () => {
    if (mode !== undefined) await chmod(path, mode);
  };
}

/** Whether the system itself says that nobody listens. In doubt, somebody does. */
async function isDeserted(path: string, clock: Clock): Promise<boolean> {
  const socket = connect(path);
  const timer = clock.after(ANSWER_MS, () => socket.destroy(new Error('it did not answer')));
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return codeOf(error) === 'ECONNREFUSED';
  } finally {
    timer.cancel();
    socket.destroy();
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
