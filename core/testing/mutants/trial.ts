import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding, LayerName } from './layers/layer.js';
import { layerNamed } from './layers/layers.js';
import { type Mutant, MUTANT_VARIABLE } from './mutant.js';
import { COMPILED } from './project.js';
import { runNode } from './run-process.js';
import { SERVED_VARIABLE, wasServed } from './served.js';

const PROBE = join(COMPILED, 'core/testing/mutants/probe.js');
const PROBE_SECONDS_MAX = 60;
const REGISTER = `--import=${join(COMPILED, 'core/testing/mutants/register.js')}`;

/** What was done to find a mutant, and with what result. */
export interface Trial {
  readonly mutant: Mutant;
  /** The layer that caught it. */
  readonly caughtBy: LayerName | undefined;
  /** Each layer that was asked, in this order; and `probe` if it did not even start. */
  readonly findings: readonly (Finding & { readonly layer: LayerName | 'probe' })[];
  /** Why it is no good mutant, or a layer no good judge of it. */
  readonly errors: readonly string[];
}

/** Asks layers, one after the other, until one catches the mutant. */
export async function tryMutant(mutant: Mutant, layers: readonly LayerName[]): Promise<Trial> {
  const findings: (Finding & { layer: LayerName | 'probe' })[] = [];
  const errors: string[] = [];
  const end = (caughtBy?: LayerName): Trial => ({ mutant, caughtBy, findings, errors });
  const started = await asMutant(mutant, probe);
  if (started.finding.verdict !== 'quiet') {
    findings.push({ ...started.finding, layer: 'probe' });
    errors.push(`it does not start: ${started.finding.said}`);
    return end();
  }
  for (const name of layers) {
    const { finding, isServed } = await asMutant(mutant, (environment) => layerNamed(name).ask(environment));
    findings.push({ ...finding, layer: name });
    if (!isServed) errors.push(`${name} never met the change`);
    else if (finding.verdict === 'broken') errors.push(`${name} could not tell: ${finding.said}`);
    else if (finding.verdict === 'caught') return end(name);
  }
  return end();
}

/** Asks a layer about the program as it is. */
export function askUnchanged(name: LayerName): Promise<Finding> {
  return layerNamed(name).ask({ [MUTANT_VARIABLE]: '', NODE_OPTIONS: nodeOptions() });
}

async function asMutant(
  { name }: Mutant,
  ask: (environment: Readonly<Record<string, string>>) => Promise<Finding>,
): Promise<{ readonly finding: Finding; readonly isServed: boolean }> {
  const folder = mkdtempSync(join(tmpdir(), 'conclave-mutant-'));
  const served = join(folder, 'served');
  try {
    const finding = await ask({ [MUTANT_VARIABLE]: name, [SERVED_VARIABLE]: served, NODE_OPTIONS: nodeOptions() });
    return { finding, isServed: wasServed(served) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The hook is there for the unchanged program, too: what it costs, it costs both. */
function nodeOptions(): string {
  return [process.env['NODE_OPTIONS'], REGISTER].filter(Boolean).join(' ');
}

async function probe(environment: Readonly<Record<string, string>>): Promise<Finding> {
  const { code, seconds, errors, isTimedOut } = await runNode([PROBE], environment, PROBE_SECONDS_MAX);
  if (code === 0) return { verdict: 'quiet', said: 'it starts', seconds };
  return { verdict: 'broken', said: isTimedOut ? 'it does not come to an end' : errors.trim().slice(-500), seconds };
}
