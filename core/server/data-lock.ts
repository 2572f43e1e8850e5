/**
 * The lock of a data folder: at most one process, and in it one store, has the folder open.
 *
 * A claim is a Unix socket in `LOCK/` on which its process listens for as long as it holds the folder. The operating
 * system stops the listening when the process ends, however it ends; so whether a claim is alive is asked of the system,
 * by connecting, and neither a stale file nor a process id that was given away again can deceive.
 *
 * To take the lock: listen under a hidden name, give the socket its visible name, and only then look at all other
 * claims. If one is alive, withdraw. Of two who take it at once, the one whose name appears later sees the other; so
 * never do both keep it. A visible claim that refuses the connection has been listening before, hence is dead for good,
 * and may be removed.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Clock, sleep } from '../base/clock.js';
import { DataDirError } from '../base/errors.js';
import { between, type Prng } from '../base/prng.js';

/** Both of two who start at the same moment may withdraw; so each tries again after a wait of its own. */
const ATTEMPTS = 4;
const WITHDRAWN_WAIT_MS = { least: 10, most: 60 } as const;

/** The longest path that a socket's address takes, on every system that we know of. */
const SOCKET_PATH_MAX_BYTES = 100;

/** A data folder that is ours until released, or until the process ends. */
export interface DataLock {
  release(): Promise<void>;
}

/**
 * @param folder - the data folder; it exists
 * @throws {@link DataDirError} `DATA_DIR_LOCKED` if another store has it open, with the id of its process
 */
export async function lockDataFolder(
  folder: string,
  { prng, clock }: { readonly prng: Prng; readonly clock: Clock },
): Promise<DataLock> {
  const claims = join(folder, 'LOCK');
  await mkdir(claims, { recursive: true, mode: 0o700 });
  return withShortPath(claims, async (short) => {
    for (let attempt = 1; ; attempt += 1) {
      const claim = await Claim.make(claims, short, prng);
      const holder = await findHolder(short, claim.name);
      if (holder === undefined) return claim;
      await claim.release();
      if (attempt === ATTEMPTS) throw new DataDirError('DATA_DIR_LOCKED', folder, `process ${holder} has it open`);
      const { least, most } = WITHDRAWN_WAIT_MS;
      await sleep(clock, between(prng, least, most));
    }
  });
}

class Claim implements DataLock {
  readonly #path: string;
  readonly #server: Server;

  private constructor(
    folder: string,
    readonly name: string,
    server: Server,
  ) {
    this.#path = join(folder, name);
    this.#server = server;
  }

  static async make(folder: string, short: string, prng: Prng): Promise<Claim> {
    const name = `${process.pid}.${between(prng, 0, 2 ** 32 - 1).toString(36)}`;
    const hidden = `.${name}`;
    const server = createServer((socket) => socket.destroy());
    server.listen(join(short, hidden));
    await once(server, 'listening');
    server.unref();
    await rename(join(folder, hidden), join(folder, name));
    return new Claim(folder, name, server);
  }

  async release(): Promise<void> {
    await rm(this.#path, { force: true });
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }
}

/** The process whose claim is alive, if any; claims of the dead are swept up. */
async function findHolder(claims: string, own: string): Promise<string | undefined> {
  for (const name of await readdir(claims)) {
    if (name === own || name.startsWith('.')) continue;
    if (await isAlive(join(claims, name))) return name.split('.')[0];
    await rm(join(claims, name), { force: true });
  }
  return undefined;
}

/** In doubt, such as when its queue of connections is full, a claim counts as alive. */
async function isAlive(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ECONNREFUSED' && code !== 'ENOENT';
  } finally {
    socket.destroy();
  }
}

/** Hands over a path to the folder that leaves room for a socket's name: its own, or one through a temporary link. */
async function withShortPath<T>(folder: string, work: (path: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(folder) + 32 <= SOCKET_PATH_MAX_BYTES) return work(folder);
  const links = await mkdtemp(join(tmpdir(), 'conclave-'));
  try {
    const link = join(links, 'LOCK');
    await symlink(resolve(folder), link);
    return await work(link);
  } finally {
    await rm(links, { recursive: true, force: true });
  }
}
