import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import dns from 'node:dns';
import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import http2 from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import tls from 'node:tls';

/** What of Node's own modules knows of a world outside: time, chance, files, networks, processes, the machine. */
const OUTSIDE: readonly (readonly [name: string, module: object, functions: readonly string[]])[] = [
  ['timers', timers, ['setTimeout', 'setInterval', 'setImmediate']],
  ['timers/promises', timersPromises, ['setTimeout', 'setInterval', 'setImmediate']],
  ['crypto', crypto, ['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID']],
  ['webcrypto', globalThis.crypto, ['getRandomValues', 'randomUUID']],
  ['net', net, ['connect', 'createConnection', 'createServer']],
  ['tls', tls, ['connect', 'createServer']],
  ['http2', http2, ['connect', 'createServer', 'createSecureServer']],
  ['dns', dns, ['lookup']],
  ['child_process', childProcess, ['spawn', 'fork', 'exec', 'execFile']],
  ['os', os, ['hostname', 'uptime', 'freemem', 'loadavg']],
  ['process', process, ['hrtime', 'uptime', 'memoryUsage', 'cpuUsage']],
  ['fs', fs, functionsOf(fs)],
  ['fs/promises', fsPromises, functionsOf(fsPromises)],
];

let bypassed: ((what: string) => void) | undefined;

/**
 * To be imported before everything else: from then on, whatever of Node's modules reaches out of a world can be made to
 * throw, however it was imported.
 */
export function guardAgainstTheOutside(onBypass: (what: string) => void): () => void {
  bypassed = onBypass;
  return () => (bypassed = undefined);
}

function functionsOf(module: object): readonly string[] {
  const isFunction = (name: string) => typeof Reflect.get(module, name) === 'function';
  return Object.keys(module).filter((name) => isFunction(name) && !/^[A-Z_]/.test(name));
}

for (const [name, module, functions] of OUTSIDE) {
  for (const each of functions) {
    const original = Reflect.get(module, each) as (...args: unknown[]) => unknown;
    const guarded = (...args: unknown[]): unknown => {
      if (bypassed === undefined) return Reflect.apply(original, module, args);
      bypassed(`${name}.${each}`);
      throw new Error(`${name}.${each} reaches out of the world`);
    };
    Object.defineProperty(module, each, {
      value: Object.assign(guarded, original),
      configurable: true,
      writable: true,
    });
  }
}
syncBuiltinESMExports();
