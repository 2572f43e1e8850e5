import type { Backend, Table, View } from '../backend/backend.js';
import { toMapKey } from '../base/bytes.js';
import { SnapshotDamagedError } from '../base/errors.js';
import { readMembership } from '../machine/membership-record.js';
import { readStateFacts } from '../machine/state-facts.js';
import type { MemberInfo } from '../machine/types.js';
import type { SnapshotHeader } from './format.js';
import { type TakeRecord, SnapshotParser } from './snapshot-parser.js';

/** What was found in a snapshot that is whole. */
export interface SnapshotFacts extends SnapshotHeader {
  /** Records of all tables. */
  readonly recordCount: number;
  readonly sizeBytes: number;
  /** SHA-256 of all but its last 32 bytes, which say the same. */
  readonly checksum: Uint8Array;
}

export interface ReadOptions {
  /** Let a hash that is wrong or missing pass, for a backup that is all there is. Default: false. */
  readonly skipHashCheck?: boolean | undefined;
}

/** So many bytes of records go to the backend in one write. */
const WRITE_BYTES = 1024 * 1024;

/**
 * Fills an empty backend from a snapshot. It may hold a part of the snapshot when this fails: drop it then. What was
 * written is not flushed.
 *
 * @throws {@link SnapshotDamagedError} if what was read is not a whole snapshot, as it was made
 * @throws {@link SnapshotNewerError} if a later version made it
 * @throws what the chunks or the backend fail with
 */
export async function readSnapshot(
  chunks: AsyncIterable<Uint8Array>,
  sink: { readonly backend: Backend },
  options: ReadOptions = {},
): Promise<SnapshotFacts> {
  const { backend } = sink;
  const writer = new RecordWriter(backend);
  const facts = await parseSnapshot(chunks, options, writer.add, async () => {
    if (writer.isFull) writer.write();
    if (backend.overfull) await backend.drained();
  });
  writer.write();
  checkAgrees(facts, backend);
  return facts;
}

/**
 * Reads a snapshot through without keeping it, to learn whether it is whole and what it is of.
 *
 * @throws as {@link readSnapshot}
 */
export async function inspectSnapshot(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadOptions = {},
): Promise<SnapshotFacts & { readonly members: readonly MemberInfo[] }> {
  const meta = new Map<string, Uint8Array>();
  const facts = await parseSnapshot(chunks, options, (table, key, value) => {
    if (table === 'meta') meta.set(toMapKey(key), value);
  });
  const get = (table: Table, key: Uint8Array) => (table === 'meta' ? meta.get(toMapKey(key)) : undefined);
  const { members } = orDamaged(facts, () => readMembership({ get, scan: () => [] }));
  return { ...facts, members };
}

async function parseSnapshot(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadOptions,
  takeRecord: TakeRecord,
  afterChunk?: () => Promise<void>,
): Promise<SnapshotFacts> {
  const parser = new SnapshotParser(takeRecord, options);
  for await (const chunk of chunks) {
    parser.push(chunk);
    await afterChunk?.();
  }
  return parser.finish();
}

/** Records on their way to the backend. */
class RecordWriter {
  readonly #backend: Backend;
  #records: (readonly [Table, Uint8Array, Uint8Array])[] = [];
  #bytes = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get isFull(): boolean {
    return this.#bytes >= WRITE_BYTES;
  }

  readonly add: TakeRecord = (table, key, value) => {
    // A copy: the value is a view of a chunk, and would keep all of it in memory.
    this.#records.push([table, key, Buffer.from(value)]);
    this.#bytes += key.length + value.length;
  };

  write(): void {
    const records = this.#records;
    this.#records = [];
    this.#bytes = 0;
    this.#backend.write((batch) => {
      for (const [table, key, value] of records) batch.put(table, key, value);
    });
  }
}

/** What the header says is what the records say: it is by the header that others decide. */
function checkAgrees(said: SnapshotFacts, view: View): void {
  const { position, hash, revision, sizeBytes } = said;
  const facts = orDamaged(said, () => readStateFacts(view));
  const { configuration } = facts.membership;
  const isSame =
    facts.index === position.index &&
    facts.term === position.term &&
    facts.hash === hash &&
    facts.revision === revision &&
    idsText(configuration) === idsText(position.configuration);
  if (!isSame) throw new SnapshotDamagedError(sizeBytes, 'its header is not that of the records in it');
}

/** Records that a machine would not have written are no bug of ours when they come from outside. */
function orDamaged<T>({ sizeBytes }: SnapshotFacts, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SnapshotDamagedError(sizeBytes, (cause as Error).message, { cause });
  }
}

function idsText({ voters, outgoing, learners }: SnapshotHeader['position']['configuration']): string {
  return [voters, outgoing ?? [], learners].map((ids) => ids.join(' ')).join(', ');
}
