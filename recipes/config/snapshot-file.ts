import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { hasCode } from '../../core/base/errors.js';
import type { Logger } from '../../core/base/logger.js';
import { isRelease, type Release } from './release.js';

/** A release as it is kept on disk, for a start without the store. */
export interface Snapshot {
  readonly release: Release;
  /** The revision at which the release came into force. */
  readonly revision: number;
}

interface Content extends Snapshot {
  readonly format: 1;
  /** Whose it is: the key of its pointer. */
  readonly config: string;
}

const FORMAT = 1;
/** Readable by its owner alone: a configuration may hold secrets. */
const MODE = 0o600;

/**
 * The last good release in a file. It is replaced as a whole: another file is written and synced, renamed over it, and the
 * folder synced, so that a crash leaves the old one or the new one. A checksum tells a file that was damaged or edited; the
 * revision keeps an older release from taking the place of a newer one. Documents stand in it as they are.
 *
 * Nothing here throws: without the file a start needs the store, and that is all.
 */
export class SnapshotFile {
  readonly #path: string;
  readonly #config: string;
  readonly #logger: Logger;
  #wanted: Snapshot | undefined;
  #saving: Promise<void> | undefined;

  constructor(path: string, config: string, logger: Logger) {
    this.#path = resolve(path);
    this.#config = config;
    this.#logger = logger;
  }

  /** What is in the file; `undefined` if there is none, if it is damaged, or if it is of another configuration. */
  async load(): Promise<Snapshot | undefined> {
    try {
      const content = parse(await readFile(this.#path, 'utf8'));
      if (content.config === this.#config) return content;
      this.#warn({ found: content.config }, 'the snapshot is of another configuration, and is not used');
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) this.#warn({ err: error }, 'the snapshot cannot be read, and is not used');
    }
    return undefined;
  }

  /** Saves, after what is being saved now; of several that wait, only the last. Answers at once. */
  save(snapshot: Snapshot): void {
    this.#wanted = snapshot;
    this.#saving ??= this.#saveAll().finally(() => (this.#saving = undefined));
  }

  /** Resolves once everything has been saved, or could not be. */
  async settled(): Promise<void> {
    await this.#saving;
  }

  async #saveAll(): Promise<void> {
    for (let wanted = this.#wanted; wanted; wanted = this.#wanted) {
      this.#wanted = undefined;
      try {
        await this.#write(wanted);
      } catch (error) {
        this.#warn({ err: error }, 'the snapshot could not be written');
      }
    }
  }

  async #write(snapshot: Snapshot): Promise<void> {
    // Another process that shares the file may be ahead of us.
    const present = await this.load();
    if (present && present.revision >= snapshot.revision) return;
    await mkdir(dirname(this.#path), { recursive: true });
    const next = `${this.#path}.${randomBytes(6).toString('hex')}.new`;
    try {
      await writeSynced(next, format({ ...snapshot, format: FORMAT, config: this.#config }));
      await rename(next, this.#path);
    } catch (error) {
      await rm(next, { force: true });
      throw error;
    }
    await syncFolder(dirname(this.#path));
  }

  #warn(fields: object, message: string): void {
    this.#logger.warn({ path: this.#path, ...fields }, message);
  }
}

/** A line with the checksum, then the content on a line of its own. */
function format(content: Content): string {
  const body = JSON.stringify(content);
  return `${JSON.stringify({ sha256: sha256(body) })}\n${body}\n`;
}

function parse(file: string): Content {
  const [head = '', body = ''] = file.split('\n');
  if ((JSON.parse(head) as { sha256?: unknown }).sha256 !== sha256(body))
    throw new Error('its checksum does not match');
  const content = JSON.parse(body) as Omit<Partial<Content>, 'release' | 'format'> & {
    readonly format?: unknown;
    readonly release?: Readonly<Record<string, unknown>>;
  };
  const { format: version, config = '', release, revision } = content;
  if (version !== FORMAT) throw new Error(`its format is ${String(version)}, not ${FORMAT}`);
  if (!isRelease(release) || !Number.isSafeInteger(revision)) throw new Error('it holds no release');
  return { format: FORMAT, config, release, revision: revision as number };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function writeSynced(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', MODE);
  await file.writeFile(text);
  await file.sync();
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
