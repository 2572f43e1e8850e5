/** Types and compiles the programs of the documentation, in a folder from which `conclave` resolves as for its users. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Options, transformSync } from '@swc/core';
import jestConfig from '../../jest.config.js';
import { ROOT } from './pages.js';
import type { Program } from './programs.js';
import { EmptyFolder } from './run.js';

/** Inside the package, so that its own name resolves; outside of what is under version control. */
const FOLDER = join(ROOT, 'dist/docs');
const CHECK_MS = 60_000;

/** Tests and programs are compiled alike. */
const [, SWC_OPTIONS] = jestConfig.transform?.['^.+\\.ts$'] as unknown as [string, Options];

/** An empty folder for what one test file compiles, until it is disposed. */
export function openWorkshop(): EmptyFolder {
  return new EmptyFolder(FOLDER);
}

/**
 * Writes a program as JavaScript; one that is JavaScript already as it is.
 *
 * @param workshop - the path of a folder from {@link openWorkshop}
 * @returns the path of what Node can run
 */
export function compile(program: Program, workshop: string): string {
  const path = join(workshop, `${nameOf(program)}.mjs`);
  const { code } = isPlain(program)
    ? { code: program.source }
    : transformSync(program.source, { ...SWC_OPTIONS, filename: program.page, swcrc: false });
  writeFileSync(path, code);
  return path;
}

/**
 * Checks the types of all programs in one go, against the sources.
 *
 * @returns what is wrong, by page and line: what is wrong elsewhere concerns `npm run types`
 */
export async function typeErrors(programs: readonly Program[], workshop: string): Promise<string[]> {
  const pageOf = new Map<string, string>();
  for (const program of programs) {
    const file = `${nameOf(program)}.ts`;
    pageOf.set(file, program.page);
    // Each is a module, even one without imports.
    writeFileSync(join(workshop, file), `${program.source}\nexport {};\n`);
  }
  const project = join(workshop, 'tsconfig.json');
  writeFileSync(
    project,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        rootDir: ROOT,
        noUnusedLocals: false,
        // What has not changed since the last run is not checked again.
        incremental: true,
        tsBuildInfoFile: join(FOLDER, 'tsconfig.tsbuildinfo'),
      },
      files: [...pageOf.keys()],
      include: [],
    }),
  );
  const output = await runTsc(project);
  return output.split('\n').flatMap((text) => {
    // Without a file it is about the project: nothing has been checked then.
    if (text.startsWith('error ')) return text;
    const [, file = '', line, error] = /^(?:.*\/)?([^/]+\.ts)\((\d+),\d+\): (error .+)$/.exec(text) ?? [];
    return pageOf.has(file) ? `${pageOf.get(file)}:${line}: ${error}` : [];
  });
}

async function runTsc(project: string): Promise<string> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = { cwd: ROOT, timeout: CHECK_MS };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', project, '--pretty', 'false'], options);
    return stdout;
  } catch (error) {
    // It ends with a code of its own where there are errors; anything else is trouble.
    const { code, stdout } = error as { code?: unknown; stdout?: string };
    if (typeof code === 'number' && stdout) return stdout;
    throw error;
  }
}

function isPlain(program: Program): boolean {
  return program.fileName !== undefined;
}

/** Such as `docs-recipes-mutex-12`. */
function nameOf({ page, line, isCheckOnly }: Program): string {
  return `${page.replace(/\.md$/, '').replace(/[^\w]+/g, '-')}-${line}${isCheckOnly ? '-checked' : ''}`;
}
