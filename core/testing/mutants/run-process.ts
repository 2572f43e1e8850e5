import { spawn } from 'node:child_process';
import { PROJECT } from './project.js';

/** What is kept of the output: its end, for there the verdict is. */
const OUTPUT_CHARACTERS_MAX = 200_000;

export interface Ended {
  /** Its exit code; undefined if its time was over, or a signal ended it. */
  readonly code: number | undefined;
  readonly isTimedOut: boolean;
  /** What it wrote to standard output, and to standard error. */
  readonly output: string;
  readonly errors: string;
  readonly seconds: number;
}

/** Runs a program of Node in the project's folder, for at most so long; then it ends with all that it started. */
export function runNode(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  secondsMax: number,
): Promise<Ended> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: PROJECT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that its children can be ended with it.
    detached: true,
  });
  const kept = { output: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => (kept.output = ending(kept.output + chunk.toString())));
  child.stderr.on('data', (chunk: Buffer) => (kept.errors = ending(kept.errors + chunk.toString())));
  return new Promise((resolve, reject) => {
    let isTimedOut = false;
    const timer = setTimeout(() => {
      isTimedOut = true;
      endGroup(child.pid);
    }, secondsMax * 1_000);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? undefined, isTimedOut, ...kept, seconds: (performance.now() - startedMs) / 1_000 });
    });
  });
}

function ending(text: string): string {
  return text.slice(-OUTPUT_CHARACTERS_MAX);
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}
