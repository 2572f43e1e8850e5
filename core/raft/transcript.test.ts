/**
 * Transcripts in `testdata/*.txt`: blocks of a directive, a line `----`, and what it gives. With `REWRITE=1` the outputs
 * are written anew; read the diff before you believe it. Blocks without `----` are remarks.
 *
 * One member alone (`SoleSession`):
 *
 * ```
 * start [term= vote= commit= first= previous= entries=index/term:data,... applied= max=]
 * status | ready | appended | settle | propose DATA | read CONTEXT | tick COUNT | compact INDEX
 * step TYPE from= term=
 * ```
 *
 * Several members (`ClusterSession`); `1>2` is the link from 1 to 2:
 *
 * ```
 * cluster IDS [option=number ...]               members that vote, after their first entry
 * tick ID COUNT | expire ID | elect ID | elect-after-silence ID
 * deliver [1>2] | deliver-once [1>2] | drop [1>2] | cut ID [ID] | mend
 * propose ID DATA | read ID CONTEXT | transfer ID TO | gone ID LEADER | step-down ID | unreachable ID OTHER
 * change ID voters=IDS [learners=IDS] | join ID
 * hold-disk ID | release-disk ID | crash ID | start ID | compact ID INDEX
 * take-snapshot FROM TO | send-snapshot FROM TO | report-snapshot ID OF OUTCOME
 * status
 * ```
 */
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { ClusterSession } from './testing/cluster-session.js';
import { SoleSession } from './testing/sole-session.js';

const FOLDER = new URL('./testdata/', import.meta.url);

test.each(readdirSync(FOLDER))('%s', (name) => {
  const file = new URL(name, FOLDER);
  const before = readFileSync(file, 'utf8');
  const after = transcriptOf(before);
  if (process.env['REWRITE'] === '1') writeFileSync(file, after);
  else expect(after).toBe(before);
});

interface Session {
  /** Carries out a directive and says what came of it, a line each. */
  run(word: string, parts: readonly string[]): readonly string[];
}

/** The transcript with the outputs that its directives give now. */
function transcriptOf(text: string): string {
  let session: Session = new SoleSession();
  const blocks = text.trimEnd().split(/\n\n+/);
  const answered = blocks.map((block) => {
    const [directive, ...rest] = block.split('\n----');
    if (directive === undefined || rest.length === 0) return block;
    const [word = '', ...parts] = directive.trim().split(/\s+/);
    if (word === 'cluster') session = new ClusterSession();
    if (word === 'start' && !/^\d+$/.test(parts[0] ?? '')) session = new SoleSession();
    return `${directive}\n----\n${outputOf(session, word, parts) || 'ok'}`;
  });
  return `${answered.join('\n\n')}\n`;
}

function outputOf(session: Session, word: string, parts: readonly string[]): string {
  try {
    return session.run(word, parts).join('\n');
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return `${code ?? 'failed'}: ${message}`;
  }
}
