/** The process is killed at random moments while it writes; what it acknowledged before must be there after. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from '@jest/globals';
import { between, seededPrng } from '../../base/prng.js';
import type { Told } from './victim.js';

const KILLS = 100;
const VICTIM = join(process.cwd(), 'dist/core/testing/kill/victim.js');
/** A seed of its own for each run; a failing one is told. */
const SEED = Number(process.env['KILL_SEED'] ?? process.pid);
const LEASE_TTL_MS = 60_000;

/** All that was acknowledged, over all the lives of the store. */
class Ledger {
  readonly #acknowledged = new Map<string, { value: string; revision: number }>();
  readonly #leases = new Map<string, { key: string; endsAfterMs: number }>();
  #revision = 0;
  acknowledgedCount = 0;

  note(told: Told): void {
    if (told.kind === 'acknowledged') {
      this.acknowledgedCount += 1;
      this.#acknowledged.set(told.key, told);
      this.#revision = Math.max(this.#revision, told.revision);
    } else if (told.kind !== 'found') {
      // Counted from before the process was heard, so it can only be too early, which asks less of the store.
      this.#leases.set(told.lease, { key: told.key, endsAfterMs: performance.now() + LEASE_TTL_MS - 1_000 });
    }
  }

  /** A write that was not acknowledged may be there too: a newer revision of the same key is right, an older is not. */
  verify(found: Told & { kind: 'found' }): void {
    expect(found.revision).toBeGreaterThanOrEqual(this.#revision);
    const keys = new Map(found.keys.map(([key, value, revision]) => [key, { value, revision }]));
    for (const [key, { value, revision }] of this.#acknowledged) {
      const there = keys.get(key);
      if (!there) throw new Error(`${key}, acknowledged at revision ${revision}, is gone`);
      expect(there.revision).toBeGreaterThanOrEqual(revision);
      if (there.revision === revision) expect(there.value).toBe(value);
    }
    for (const [lease, { key, endsAfterMs }] of this.#leases) {
      if (performance.now() > endsAfterMs) continue;
      expect(found.leases).toContain(lease);
      expect(keys.has(key)).toBe(true);
    }
    this.#revision = found.revision;
  }
}

test(`${KILLS} kills at random moments lose no acknowledged write, end no lease early, and never turn the revision back`, async () => {
  console.info(`killing with KILL_SEED=${SEED}`);
  const prng = seededPrng(SEED);
  const dataDir = await mkdtemp(join(tmpdir(), 'conclave-kill-'));
  const ledger = new Ledger();
  try {
    for (let round = 0; round <= KILLS; round += 1) {
      await liveAndDie({ dataDir, round, ledger, forMs: between(prng, 0, 150) });
    }
    expect(ledger.acknowledgedCount).toBeGreaterThan(KILLS);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}, 240_000);

interface Life {
  readonly dataDir: string;
  readonly round: number;
  readonly ledger: Ledger;
  readonly forMs: number;
}

/** One life of the store: it opens, is held against what was acknowledged in all lives before, writes, and is killed. */
async function liveAndDie({ dataDir, round, ledger, forMs }: Life): Promise<void> {
  const child = spawn(process.execPath, [VICTIM, dataDir, String(round)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const complaint = gather(child);
  let killing: NodeJS.Timeout | undefined;
  let verified = false;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      // The last line of a killed process may be cut.
      const told = parse(line);
      if (!told) continue;
      if (told.kind === 'found') {
        ledger.verify(told);
        verified = true;
        killing = setTimeout(() => child.kill('SIGKILL'), forMs);
      } else {
        ledger.note(told);
      }
    }
  } finally {
    clearTimeout(killing);
    child.kill('SIGKILL');
    await exited;
  }
  if (!verified) throw new Error(`the store did not open in round ${round}: ${complaint()}`);
}

function gather(child: ChildProcess): () => string {
  let text = '';
  child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}

function parse(line: string): Told | undefined {
  try {
    return JSON.parse(line) as Told;
  } catch {
    return undefined;
  }
}
