import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Release } from './release.js';

const FORMAT = 1;

/** A release as it is kept on disk, for a start without the store. */
export interface Snapshot {
  readonly release: Release;
  /** The revision at which the release was in force. */
  readonly revision: number;
}

/**
 * The last good release in a file. It is replaced as a whole, by writing another file, syncing it and renaming it, so that
 * a crash leaves the old or the new one. Documents stand in it as they are: keep secrets elsewhere.
 */
export class SnapshotFile {
  readonly #path: string;

  constructor(
    path: string,
    private readonly config: string,
  ) {
    this.#path = resolve(path);
  }

  /** What is in the file; `undefined` if there is none, if it is damaged, or if it is of another configuration. */
  async read(): Promise<Snapshot | undefined> {
    try {
      const { format, config, checksum, body } = JSON.parse(await readFile(this.#path, 'utf8')) as Record<
        string,
        unknown
      >;
      if (format !== FORMAT || config !== this.config || checksum !== checksumOf(String(body))) return undefined;
      return JSON.parse(String(body)) as Snapshot;
    } catch {
      return undefined;
    }
  }

  async write(snapshot: Snapshot): Promise<void> {
    const body = JSON.stringify(snapshot);
    const text = JSON.stringify({ format: FORMAT, config: this.config, checksum: checksumOf(body), body });
    const next = `${this.#path}.${process.pid}.new`;
    await mkdir(dirname(this.#path), { recursive: true });
    await using file = await open(next, 'w');
    await file.writeFile(text);
    await file.sync();
    await rename(next, this.#path);
    await syncFolder(dirname(this.#path));
  }
}

function checksumOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
