import { appendFileSync, existsSync } from 'node:fs';

/** The environment variable that names a file by which whoever started a process learns that the change was in it. */
export const SERVED_VARIABLE = 'CONCLAVE_MUTANT_SERVED';

/** Notes that the changed source is in force: a layer that never meets it tells nothing about it. */
export function noteServed(): void {
  const file = process.env[SERVED_VARIABLE];
  if (file !== undefined) appendFileSync(file, `${process.pid}\n`);
}

/** Whether a process that was told of this file has met the change. */
export function wasServed(file: string): boolean {
  return existsSync(file);
}
