import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeedProcess } from './seed-process.js';

const folders: string[] = [];
const processes: SeedProcess[] = [];

/** A process that answers as the body says; `task` is what it was sent, `answer` sends a result. */
function seedProcess(body: string, options: { seedsPerProcess?: number; patienceMs?: number } = {}): SeedProcess {
  const folder = mkdtempSync(join(tmpdir(), 'seed-process-'));
  folders.push(folder);
  const modulePath = join(folder, 'worker.mjs');
  const rest = 'effects: [["kill", 2]], effective: [["kill", 1]], reached: ["elected"], faults: [], lastEvents: []';
  writeFileSync(
    modulePath,
    `process.on('message', (task) => {
       const answer = (given) => process.send({ seed: task.seed, traceHash: String(process.pid), ${rest}, ...given });
       ${body}
     });`,
  );
  const started = new SeedProcess({ modulePath, seedsPerProcess: 100, patienceMs: 20_000, ...options });
  processes.push(started);
  return started;
}

afterEach(async () => {
  await Promise.all(processes.splice(0).map((each) => each.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('a process that runs seeds', () => {
  it('answers one after the other', async () => {
    const runner = seedProcess('answer({});');

    const [first, second] = [await runner.run({ seed: 1 }), await runner.run({ seed: 2 })];

    expect(first).toMatchObject({ seed: 1, effects: new Map([['kill', 2]]), reached: new Set(['elected']) });
    expect(second.traceHash).toBe(first.traceHash);
  });

  it('is a new one after so many seeds', async () => {
    const runner = seedProcess('answer({});', { seedsPerProcess: 2 });

    const ids = new Set<string>();
    for (const seed of [1, 2, 3, 4]) ids.add((await runner.run({ seed })).traceHash);

    expect(ids.size).toBe(2);
  });

  it('makes it a violation that it dies, and goes on with another one', async () => {
    const runner = seedProcess('if (task.seed === 1) throw new Error("unexpected"); answer({});');

    const failed = await runner.run({ seed: 1 });
    const next = await runner.run({ seed: 2 });

    expect(failed.violation?.what).toContain('ended with 1');
    expect(failed.violation?.what).toContain('Error: unexpected');
    expect(next.violation).toBeUndefined();
  });

  it('makes it a violation that it comes to no end', async () => {
    const runner = seedProcess('if (task.seed === 1) for (;;); answer({});', { patienceMs: 300 });

    expect((await runner.run({ seed: 1 })).violation?.what).toBe('it came to no end within 300 ms of real time');
  });
});
