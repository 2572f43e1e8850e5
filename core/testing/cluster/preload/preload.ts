import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SOURCES = join(process.cwd(), 'core/testing/cluster/preload');

/** What can be put between a process and its C library. */
export type PreloadName = 'failing-sync' | 'jumping-clock';

/** A library to preload, compiled. */
export interface Preload {
  /** For a process to be preloaded. */
  readonly env: Readonly<Record<string, string>>;
  /** The file in which the process is told what to do; it reads it anew each time. */
  readonly controlFile: string;
  remove(): Promise<void>;
}

/** @returns why there is none here: no compiler, or a system that does not preload */
export function compilePreload(name: PreloadName): Preload | string {
  if (process.platform !== 'linux') return 'only Linux preloads like this';
  const folder = mkdtempSync(join(tmpdir(), 'conclave-preload-'));
  const library = join(folder, `${name}.so`);
  const arguments_ = ['-shared', '-fPIC', '-O1', '-o', library, join(SOURCES, `${name}.c`), '-ldl', '-lpthread'];
  const { status, error, stderr } = spawnSync('cc', arguments_, { encoding: 'utf8' });
  const remove = () => rm(folder, { recursive: true, force: true });
  if (status !== 0) {
    void remove();
    return `no C compiler: ${error?.message ?? stderr}`;
  }
  const controlFile = join(folder, 'control');
  const variable = name.toUpperCase().replace('-', '_');
  return { env: { LD_PRELOAD: library, [variable]: controlFile }, controlFile, remove };
}
