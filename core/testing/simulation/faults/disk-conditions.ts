import type { DiskFault, DiskOperation, VirtualDisk } from '../disk/virtual-disk.js';

/** What is wrong with a disk. */
export interface DiskCondition {
  /** What goes wrong with an operation. */
  readonly fault?: (operation: DiskOperation) => DiskFault | undefined;
  /** By how many milliseconds an operation is slower. */
  readonly delayMs?: (operation: DiskOperation) => number;
}

/** Several things can be wrong with a disk at a time. One for each disk, on top of how it usually is. */
export class DiskConditions {
  readonly #of = new Map<VirtualDisk, Set<DiskCondition>>();

  /** @returns ends it */
  impose(disk: VirtualDisk, condition: DiskCondition): () => void {
    const imposed = this.#of.get(disk) ?? this.#attach(disk);
    imposed.add(condition);
    return () => void imposed.delete(condition);
  }

  #attach(disk: VirtualDisk): Set<DiskCondition> {
    const imposed = new Set<DiskCondition>();
    const { fault, delayMs } = disk;
    disk.fault = (operation) => {
      for (const condition of imposed) {
        const found = condition.fault?.(operation);
        if (found !== undefined) return found;
      }
      return fault(operation);
    };
    disk.delayMs = (operation) => {
      let sum = delayMs(operation);
      for (const condition of imposed) sum += condition.delayMs?.(operation) ?? 0;
      return sum;
    };
    this.#of.set(disk, imposed);
    return imposed;
  }
}
