import { toBytes } from '../../base/bytes.js';
import type { Raft } from '../raft.js';
import type { Append, Message, Ready } from '../types.js';
import { advance, entry, soleVoter } from './raft-fixture.js';
import { shown } from './shown.js';

/** A transcript of one member alone, Ready by Ready. */
export class SoleSession {
  #raft: Raft | undefined;
  #append: Append | undefined;

  run(word: string, parts: readonly string[]): readonly string[] {
    if (word === 'start') {
      this.#raft = start(fieldsOf(parts));
      return [status(this.#raft)];
    }
    const raft = this.#raft!;
    switch (word) {
      case 'status':
        return [status(raft)];
      case 'ready':
        return this.#ready(raft);
      case 'appended':
        raft.appended(this.#append!);
        return [status(raft)];
      case 'settle':
        return [...settleLines(raft), status(raft)];
      case 'propose': {
        const { index, term } = raft.propose(toBytes(parts[0]!));
        return [`index ${index}, term ${term}`];
      }
      case 'read':
        raft.readIndex(Number(parts[0]));
        return [];
      case 'tick':
        for (let count = Number(parts[0]); count > 0; count -= 1) raft.tick();
        return [status(raft)];
      case 'compact':
        raft.compactTo(Number(parts[0]));
        return [];
      case 'step': {
        const [type, ...fields] = parts;
        const { from = '2', term = '0' } = fieldsOf(fields);
        raft.step({ type, from: BigInt(from), to: 1n, term: Number(term) } as Message);
        return [status(raft)];
      }
      default:
        throw new Error(`no such directive: ${word}`);
    }
  }

  /** Shows a Ready, and applies what it commits. */
  #ready(raft: Raft): readonly string[] {
    const ready = raft.ready();
    this.#append = ready.append ?? this.#append;
    const last = ready.committed.at(-1);
    if (last !== undefined) raft.applied(last.index);
    return readyLines(ready);
  }
}

function start(fields: Record<string, string>): Raft {
  const entries = fields['entries']?.split(',').map((text) => {
    const [, index, term, data] = /^(\d+)\/(\d+):(.*)$/.exec(text)!;
    return entry(Number(index), Number(term), data);
  });
  return soleVoter({
    hardState: {
      term: Number(fields['term'] ?? 0),
      votedFor: BigInt(fields['vote'] ?? 0),
      commitIndex: Number(fields['commit'] ?? 0),
    },
    log: {
      firstIndex: Number(fields['first'] ?? 1),
      previousTerm: Number(fields['previous'] ?? 0),
      entries: entries ?? [],
    },
    appliedIndex: Number(fields['applied'] ?? 0),
    uncommittedBytesMax: Number(fields['max'] ?? 1_000),
  });
}

/** `name=value` as fields. */
export function fieldsOf(parts: readonly string[]): Record<string, string> {
  return Object.fromEntries(parts.map((part) => part.split('=') as [string, string]));
}

function status(raft: Raft): string {
  const leader = raft.leader === undefined ? 'none' : String(raft.leader);
  const work = raft.hasReady() ? 'something to do' : 'nothing to do';
  return `${raft.role}, term ${raft.term}, leader ${leader}, commit ${raft.commitIndex}, last ${raft.lastIndex}; ${work}`;
}

function readyLines({ append, messages, committed, readStates }: Ready): string[] {
  const lines: string[] = [];
  const { hardState, entries = [] } = append ?? {};
  if (hardState)
    lines.push(`hard state: term ${hardState.term}, vote ${hardState.votedFor}, commit ${hardState.commitIndex}`);
  if (entries.length > 0) lines.push(`append: ${shown(entries).join(', ')}`);
  if (messages.length > 0) lines.push(`messages: ${messages.length}`);
  if (committed.length > 0) lines.push(`apply: ${shown(committed).join(', ')}`);
  for (const { context, index } of readStates) lines.push(`read ${context}: at ${index}`);
  return lines;
}

function settleLines(raft: Raft): string[] {
  const lines: string[] = [];
  while (raft.hasReady()) {
    const ready = raft.ready();
    lines.push(...readyLines(ready), 'done');
    advance(raft, ready);
  }
  return lines;
}
