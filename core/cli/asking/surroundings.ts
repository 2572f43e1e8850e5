import type { Readable } from 'node:stream';
import { type RunChild, runChild } from './child.js';

/** What commands meet in the world; a test puts something else in its place. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly writeOut: (bytes: Uint8Array) => void;
  readonly writeErr: (text: string) => void;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Begins to listen for the user's wish to end; what it returns aborts then. */
  readonly listenForInterrupts: () => Interrupts;
  readonly runChild: RunChild;
}

/** The user's wish to end what runs, as often as it is uttered. */
export interface Interrupts {
  /** Aborts at the first. */
  readonly signal: AbortSignal;
  /** Told of every one, by the name of its signal. */
  readonly onEach: (callback: (name: NodeJS.Signals) => void) => void;
  readonly stop: () => void;
}

/** The process's own. */
export const PROCESS_SURROUNDINGS: Surroundings = {
  env: process.env,
  writeOut: (bytes) => void process.stdout.write(bytes),
  writeErr: (text) => void process.stderr.write(text),
  stdin: process.stdin,
  listenForInterrupts,
  runChild,
};

const INTERRUPTS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function listenForInterrupts(): Interrupts {
  const controller = new AbortController();
  const callbacks: ((name: NodeJS.Signals) => void)[] = [];
  const heard = (name: NodeJS.Signals): void => {
    controller.abort();
    for (const callback of callbacks) callback(name);
  };
  for (const name of INTERRUPTS) process.on(name, heard);
  return {
    signal: controller.signal,
    onEach: (callback) => void callbacks.push(callback),
    stop: () => {
      for (const name of INTERRUPTS) process.off(name, heard);
    },
  };
}
