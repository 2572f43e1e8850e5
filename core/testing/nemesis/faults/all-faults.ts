import { type MemberProgram } from '../../cluster/member-program.js';
import type { Equipment } from '../equipment/equipment.js';
import { CLOCK_FAULTS } from './clock-faults.js';
import { DAMAGE, whyNoDamage } from './damage.js';
import { DISK_FAULTS } from './disk-faults.js';
import type { Fault } from './fault.js';
import { LINK_FAULTS } from './link-faults.js';
import { PROCESS_FAULTS } from './process-faults.js';

/** Everything that can happen. */
export const ALL_FAULTS: readonly Fault[] = [
  ...PROCESS_FAULTS,
  ...LINK_FAULTS,
  ...DISK_FAULTS,
  ...CLOCK_FAULTS,
  ...DAMAGE,
];

/** Which of these can be had here, and why the others cannot. */
export function faultsHere(
  names: readonly string[] | undefined,
  { program, equipment }: { readonly program: MemberProgram; readonly equipment: Equipment },
): { readonly faults: readonly Fault[]; readonly left: ReadonlyMap<string, string> } {
  const left = new Map<string, string>();
  const faults = ALL_FAULTS.filter((fault) => {
    if (names && !names.includes(fault.name)) return false;
    const why = fault.whyNot?.(equipment) ?? (DAMAGE.includes(fault) ? whyNoDamage(program) : undefined);
    if (why !== undefined) left.set(fault.name, why);
    return why === undefined;
  });
  return { faults, left };
}
