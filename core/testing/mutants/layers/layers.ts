import { JestLayer } from './jest-layer.js';
import type { Layer, LayerName } from './layer.js';
import { ProgramLayer, type SearchProgram } from './program-layer.js';

/** The layers that are programs, and how long each may search for one mutant. */
const PROGRAMS: Readonly<Record<string, SearchProgram>> = {
  raft: { path: 'core/testing/mutants/layers/raft-seeds', args: ['--seeds', '4000'], secondsMax: 90 },
  sim: {
    path: 'core/testing/simulation/run/main',
    args: ['--seeds', '500', '--from', '1', '--no-corpus', '--shrink-runs', '0', '--seconds', '180'],
    secondsMax: 240,
  },
  'crash-points': { path: 'core/testing/crash-points/main', args: ['--seconds', '200'], secondsMax: 280 },
};
/** Those that are told where to search. */
const DIRECTED: Readonly<Record<string, (where: string) => SearchProgram>> = {
  fuzz: (target) => ({
    path: 'core/testing/fuzz/main',
    args: ['--seed', '1', '--inputs', '200000', '--seconds', '60', '--target', target],
    secondsMax: 120,
  }),
  nemesis: (drill) => ({ path: 'core/testing/nemesis/main', args: ['--seed', '1', '--drill', drill], secondsMax: 180 }),
};

/** The layer of a name. Throws if there can be none. */
export function layerNamed(name: LayerName): Layer {
  const program = PROGRAMS[name];
  if (program !== undefined) return new ProgramLayer(name, program);
  const [kind, where] = splitAtColon(name);
  if (kind === 'jest') return new JestLayer(where);
  const directed = DIRECTED[kind];
  if (directed !== undefined) return new ProgramLayer(name, directed(where));
  throw new Error(`there is no layer ${name}`);
}

function splitAtColon(name: string): readonly [string, string] {
  const at = name.indexOf(':');
  return [name.slice(0, at), name.slice(at + 1)];
}
