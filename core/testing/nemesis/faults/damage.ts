import { closeSync, fstatSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { between, type Prng } from '../../../base/prng.js';
import type { MemberProcess } from '../../cluster/member-process.js';
import { CONCLAVE, type MemberProgram } from '../../cluster/member-program.js';
import { replaceMember } from '../../cluster/replacement.js';
import type { Fault, Strike } from './fault.js';

/** The last record of a log that is damaged is taken for one that was never finished, so the end is left alone. */
const SPARED_BYTES = 16 * 1024;
const BYTES_MOST = 4;
const BLOCK_BYTES = 512;
const ENDS_OR_SERVES_MS = 15_000;

/**
 * Damage to what one member has on its disk, while it is down. It must refuse to start, and is then replaced; or start, and be
 * as good as the others, which the hashes show at the end.
 */
export const DAMAGE: readonly Fault[] = [
  {
    name: 'damaged-log',
    group: 'surroundings',
    isAlone: true,
    strike: (strike) => damaged(strike, 'wal'),
  },
];

/** Why a program's files cannot be damaged to any purpose. */
export function whyNoDamage(program: MemberProgram): string | undefined {
  return program === CONCLAVE ? undefined : `how ${program.name} answers to damage is its own affair`;
}

async function damaged(strike: Strike, folder: string): Promise<boolean> {
  const { cluster, victim, prng, tell } = strike;
  // What the others bear is the loss of one, not of one more.
  await cluster.untilServing();
  await cluster.kill(victim);
  const what = damageOne(join(victim.dataDir, folder), prng);
  const begun = victim.log.length;
  await cluster.start(victim);
  if (what === undefined) return false;
  tell(`${victim.name}: ${what}`);
  await endsOrServes(strike);
  if (victim.isRunning) {
    tell(`${victim.name} serves all the same`);
    return true;
  }
  const refusal = /LOG_DAMAGED|is damaged|DATA_DIR/.exec(victim.log.slice(begun));
  if (!refusal) throw new Error(`${victim.name} did not say why it would not start: ${victim.log.slice(-1_000)}`);
  tell(`${victim.name} refuses to start; it is replaced`);
  await replaceMember(cluster, victim, successorOf(victim));
  return true;
}

async function endsOrServes({ cluster, victim }: Strike): Promise<void> {
  const isDecided = async () => !victim.isRunning || ((await cluster.statusOf(victim))?.leader ?? 0n) !== 0n;
  await cluster.until(`${victim.name} serves or ends`, isDecided, ENDS_OR_SERVES_MS);
}

/** `m1`, `m1.2`, `m1.3`: names are not used twice. */
function successorOf({ name }: MemberProcess): string {
  const [base, nth = '1'] = name.split('.');
  return `${base}.${Number(nth) + 1}`;
}

/**
 * Damages one file of a folder.
 *
 * @returns what was done where; undefined if no file has enough in it
 */
export function damageOne(folder: string, prng: Prng): string | undefined {
  const names = readdirSync(folder);
  for (let left = names.length; left > 0; left -= 1) {
    const file = join(folder, names[between(prng, 0, names.length - 1)] as string);
    const what = damage(file, prng);
    if (what !== undefined) return what;
  }
  return undefined;
}

function damage(path: string, prng: Prng): string | undefined {
  const file = openSync(path, 'r+');
  try {
    const most = usedBytes(file) - SPARED_BYTES;
    if (most <= 0) return undefined;
    const at = between(prng, 0, most);
    const isBlock = prng.next() < 0.3;
    const bytes = Buffer.alloc(isBlock ? BLOCK_BYTES : between(prng, 1, BYTES_MOST));
    readSync(file, bytes, 0, bytes.length, at);
    if (isBlock) bytes.fill(0);
    else for (const [n, byte] of bytes.entries()) bytes[n] = byte ^ between(prng, 1, 255);
    writeSync(file, bytes, 0, bytes.length, at);
    return `${bytes.length} bytes ${isBlock ? 'zeroed' : 'flipped'} at ${at} of ${path}`;
  } finally {
    closeSync(file);
  }
}

/** Up to the last byte that is not zero. */
function usedBytes(file: number): number {
  const bytes = Buffer.alloc(fstatSync(file).size);
  readSync(file, bytes, 0, bytes.length, 0);
  let used = bytes.length;
  while (used > 0 && bytes[used - 1] === 0) used -= 1;
  return used;
}
