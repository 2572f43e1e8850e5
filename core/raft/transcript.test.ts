/**
 * Transcripts in `testdata/*.txt`: blocks of a directive, a line `----`, and what it gives. With `REWRITE=1` the outputs
 * are written anew; read the diff before you believe it.
 *
 * ```
 * start [term= vote= commit= first= previous= entries=index/term:data,... applied= max= voters=1,2]
 * status | ready | advance | settle | propose DATA | read CONTEXT | tick COUNT | compact INDEX
 * step TYPE from= term=
 * ```
 */
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { toBytes } from '../base/bytes.js';
import type { CoordinationError } from '../base/errors.js';
import type { Raft } from './raft.js';
import { carryOut, entry, shown, soleVoter } from './testing/raft-fixture.js';
import type { Message, Ready } from './types.js';

const FOLDER = new URL('./testdata/', import.meta.url);

test.each(readdirSync(FOLDER))('%s', (name) => {
  const file = new URL(name, FOLDER);
  const before = readFileSync(file, 'utf8');
  const after = transcriptOf(before);
  if (process.env['REWRITE'] === '1') writeFileSync(file, after);
  else expect(after).toBe(before);
});

/** The transcript with the outputs that its directives give now. Blocks without `----` are remarks. */
function transcriptOf(text: string): string {
  const session = new Session();
  const blocks = text.trimEnd().split(/\n\n+/);
  return `${blocks.map((block) => answered(session, block)).join('\n\n')}\n`;
}

function answered(session: Session, block: string): string {
  const [directive, ...rest] = block.split('\n----');
  if (directive === undefined || rest.length === 0) return block;
  return `${directive}\n----\n${session.run(directive.trim()) || 'ok'}`;
}

class Session {
  #raft: Raft | undefined;
  #ready: Ready | undefined;

  run(directive: string): string {
    try {
      return this.#carryOut(directive).join('\n');
    } catch (error) {
      return `${(error as CoordinationError).code ?? 'invariant'}: ${(error as Error).message}`;
    }
  }

  #carryOut(directive: string): readonly string[] {
    const [word, ...parts] = directive.split(/\s+/);
    if (word === 'start') {
      this.#raft = start(Object.fromEntries(parts.map((part) => part.split('=') as [string, string])));
      return [status(this.#raft)];
    }
    const raft = this.#raft!;
    switch (word) {
      case 'status':
        return [status(raft)];
      case 'ready':
        this.#ready = raft.ready();
        return readyLines(this.#ready);
      case 'advance':
        raft.advance(this.#ready!);
        return [status(raft)];
      case 'settle':
        return settleLines(raft);
      case 'propose': {
        const { index, term } = raft.propose(toBytes(parts[0]!));
        return [`index ${index}, term ${term}`];
      }
      case 'read':
        return [String(raft.readIndex(Number(parts[0])) ?? '')];
      case 'tick':
        for (let count = Number(parts[0]); count > 0; count -= 1) raft.tick();
        return [status(raft)];
      case 'compact':
        return [String(raft.compactTo(Number(parts[0])) ?? '')];
      case 'step': {
        const [type, ...fields] = parts;
        const { from = '2', term = '0' } = Object.fromEntries(
          fields.map((field) => field.split('=') as [string, string]),
        );
        raft.step({ type, from: BigInt(from), to: 1n, term: Number(term) } as Message);
        return [status(raft)];
      }
      default:
        throw new Error(`no such directive: ${word}`);
    }
  }
}

function start(fields: Record<string, string>): Raft {
  const entries = fields['entries']?.split(',').map((text) => {
    const [, index, term, data] = /^(\d+)\/(\d+):(.*)$/.exec(text)!;
    return entry(Number(index), Number(term), data);
  });
  return soleVoter({
    voters: (fields['voters'] ?? '1').split(',').map(BigInt),
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

function status(raft: Raft): string {
  const leader = raft.leader === undefined ? 'none' : String(raft.leader);
  const work = raft.hasReady() ? 'something to do' : 'nothing to do';
  return `${raft.role}, term ${raft.term}, leader ${leader}, commit ${raft.commitIndex}, last ${raft.lastIndex}; ${work}`;
}

function readyLines({ hardState, entries, messages, messagesAfterAppend, committed, readStates }: Ready): string[] {
  const lines: string[] = [];
  if (hardState)
    lines.push(`hard state: term ${hardState.term}, vote ${hardState.votedFor}, commit ${hardState.commitIndex}`);
  if (entries.length > 0) lines.push(`append: ${shown(entries).join(', ')}`);
  if (messages.length + messagesAfterAppend.length > 0)
    lines.push(`messages: ${messages.length + messagesAfterAppend.length}`);
  if (committed.length > 0) lines.push(`apply: ${shown(committed).join(', ')}`);
  for (const { context, index } of readStates) lines.push(`read ${context}: at ${index}`);
  return lines;
}

function settleLines(raft: Raft): string[] {
  const lines: string[] = [];
  while (raft.hasReady()) lines.push(...readyLines(carryOut(raft)), 'advance');
  return [...lines, status(raft)];
}
