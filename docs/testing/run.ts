/** Runs compiled programs as their users would: each in a process of its own, and in an empty folder. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** No program of the documentation takes longer. */
const RUN_MS = 20_000;

/** What came of a program. */
export interface Outcome {
  /** 0 if it ended by itself, as it should. */
  readonly code: number | string;
  readonly output: string;
  readonly errors: string;
}

/** An empty folder, until it is disposed. */
export class EmptyFolder implements Disposable {
  readonly path: string;

  constructor(parent = tmpdir()) {
    mkdirSync(parent, { recursive: true });
    this.path = mkdtempSync(join(parent, 'conclave-docs-'));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** @param folder - where it runs */
export function run(path: string, args: readonly string[], folder: string): Promise<Outcome> {
  const options = { cwd: folder, timeout: RUN_MS, env: { ...process.env, NODE_OPTIONS: '' } };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--enable-source-maps', path, ...args], options, (error, output, errors) => {
      resolve({ code: error ? (error.code ?? error.signal ?? 'unknown') : 0, output, errors });
    });
  });
}

/** Calls back for each, two at a time, and answers in order. */
export async function inPairs<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = [...all.entries()];
  const worker = async () => {
    for (let next = rest.shift(); next; next = rest.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all([worker(), worker()]);
  return results;
}
