import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Backend, TABLES, type View } from '../../backend/backend.js';
import { openLmdbBackend } from '../../backend/lmdb-backend.js';
import { openMemoryBackend } from '../../backend/memory-backend.js';
import { encodeCommand } from '../../machine/codec.js';
import { Machine } from '../../machine/machine.js';
import { encodeMemberInfos } from '../../machine/member-info.js';
import type { Command, MemberInfo } from '../../machine/types.js';
import { encodeConfiguration } from '../../raft/configuration.js';
import type { Configuration } from '../../raft/types.js';
import { put } from '../../txn.js';

export const SETTINGS = { watch: { queueEventsMax: 100, catchUpRevisionsMax: 100 } };
export const CONFIGURATION: Configuration = { voters: [1n, 2n ** 64n - 1n], learners: [7n] };

export const MEMBERS: readonly MemberInfo[] = [1n, 7n, 2n ** 64n - 1n].map((id) => ({
  id,
  name: `m${id}`,
  peerUrls: [`http://m${id}:2380`],
  clientUrls: [],
  incarnation: 5n,
  isLearner: id === 7n,
}));

/** A machine over a backend, and words to give it entries. */
export function stateOver(backend: Backend) {
  const machine = Machine.open(backend, SETTINGS);
  const next = (term: number) => ({ index: machine.appliedIndex + 1, term });
  return {
    backend,
    machine,
    configure: (configuration = CONFIGURATION, members = MEMBERS) => {
      const data = encodeConfiguration(configuration, encodeMemberInfos(members));
      machine.applyAll([{ ...next(1), kind: 'configuration', data }]);
    },
    apply: (command: Command, term = 3) => machine.applyAll([{ ...next(term), data: encodeCommand(command) }]),
    /** Puts so many keys of so many bytes. */
    fill: (count: number, valueBytes: number, letter = 'x') => {
      for (let at = 0; at < count; at += 1) {
        const command = put(`key ${at}`, letter.repeat(valueBytes));
        machine.applyAll([{ ...next(3), data: encodeCommand(command) }]);
      }
    },
  };
}

/** A small state with something in every table. */
export function smallState(backend: Backend = openMemoryBackend()) {
  const state = stateOver(backend);
  state.configure();
  state.apply({ type: 'leaseGrant', id: 9n, ttlSeconds: 60 });
  state.apply(put('a', '1'));
  state.apply(put('leased', '', { lease: 9n }));
  state.apply(put('a', '2'));
  state.apply({ type: 'compact', revision: 2 });
  return state;
}

/** Everything that can be read, as text. */
export function dump(view: View): string[] {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return TABLES.flatMap((table) => [...view.scan(table)].map(([key, value]) => `${table} ${hex(key)} ${hex(value)}`));
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Bytes as chunks that end at these places. */
export async function* inChunks(bytes: Uint8Array, ...ends: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    yield bytes.subarray(from, end);
    from = end;
  }
}

/** Both backends, each new and empty; `tidy` closes and removes what was opened. */
export const BACKENDS = ['memory', 'lmdb'] as const;
const tidies: (() => Promise<void>)[] = [];

export async function openBackend(kind: (typeof BACKENDS)[number]): Promise<Backend> {
  if (kind === 'memory') return openMemoryBackend();
  const folder = await mkdtemp(join(tmpdir(), 'conclave-snapshot-'));
  const backend = openLmdbBackend({ path: join(folder, 'db') });
  tidies.push(async () => {
    await backend.close();
    await rm(folder, { recursive: true });
  });
  return backend;
}

export async function tidy(): Promise<void> {
  for (const each of tidies.splice(0)) await each();
}
