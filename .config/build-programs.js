/** Before the tests: compiles what some of them start as processes of their own, if a source is newer than that. */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = ['core', 'recipes', 'examples', 'bench'];
/** Of all that is compiled, only this run writes it; `npm run build` does not. */
const STAMP = 'dist/examples/tour/main.js';

export default function buildPrograms() {
  const builtAt = modifiedAt(STAMP);
  if (SOURCES.every((folder) => newest(folder) < builtAt)) return;
  const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.programs.json'], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the programs did not compile');
}

function newest(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.ts'));
  return Math.max(0, ...files.map((file) => modifiedAt(join(folder, file))));
}

function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
