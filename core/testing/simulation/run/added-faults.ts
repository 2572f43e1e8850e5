import type { Fault } from '../faults/fault.js';

/**
 * What is added to a seed in which too little has had an effect, in turn: a member that is killed, that stands still, that
 * loses its power. One of these is possible in any world.
 */
export function addedFault(position: number, atMs: number): Fault {
  const victim = { role: position % 2 === 0 ? 'leader' : 'any', pick: position } as const;
  switch (position % 3) {
    case 0:
      return { atMs, kind: 'kill', victim, downMs: 100 };
    case 1:
      return { atMs, kind: 'pause', victim, forMs: 800 };
    default:
      return { atMs, kind: 'power cut', victim, survival: 'some', during: 'anything', downMs: 100 };
  }
}
