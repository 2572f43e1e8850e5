import { JestLayer } from './jest-layer.js';
import type { Layer, LayerName } from './layer.js';
import { ProgramLayer, type SearchProgram } from './program-layer.js';

/** The layers that are programs, and how long each may search for one mutant. */
const PROGRAMS: Readonly<Record<string, SearchProgram>> = {
  raft: { path: 'core/testing/mutants/layers/raft-seeds', args: ['--seeds', '4000'], secondsMax: 90 },
  sim: { path: 'core/testing/simulation/run/main', args: ['--seeds', '500'], secondsMax: 240 },
  'crash-points': { path: 'core/testing/crash-points/main', args: [], secondsMax: 240 },
  fuzz: { path: 'core/testing/fuzz/main', args: [], secondsMax: 120 },
};
const NEMESIS = 'core/testing/nemesis/main';
const NEMESIS_SECONDS_MAX = 120;

/** The layer of a name. Throws if there can be none. */
export function layerNamed(name: LayerName): Layer {
  const program = PROGRAMS[name];
  if (program !== undefined) return new ProgramLayer(name, program);
  const [kind, rest] = splitAtColon(name);
  if (kind === 'jest') return new JestLayer(rest);
  if (kind === 'nemesis')
    return new ProgramLayer(name, { path: NEMESIS, args: [rest], secondsMax: NEMESIS_SECONDS_MAX });
  throw new Error(`there is no layer ${name}`);
}

function splitAtColon(name: string): readonly [string, string] {
  const at = name.indexOf(':');
  return [name.slice(0, at), name.slice(at + 1)];
}
