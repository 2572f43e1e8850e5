import type { Disk } from '../../../wal/disk.js';
import type { Life } from './virtual-process.js';

const NEVER = new Promise<never>(() => undefined);

/**
 * A disk as one run of a process has it: what code of an ended process still asks for, in the moment of its end, is not
 * done and not answered.
 */
export function guardedDisk(disk: Disk, life: Life): Disk {
  return guarded(disk, life);
}

function guarded<T extends object>(target: T, life: Life): T {
  return new Proxy(target, {
    get(_target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...args: readonly unknown[]) => {
        if (!life.isAlive) return NEVER;
        const answer = Reflect.apply(value, target, args) as Promise<unknown>;
        if (property !== 'open' && property !== 'create') return answer;
        return answer.then((file) => guarded(file as object, life));
      };
    },
  });
}
