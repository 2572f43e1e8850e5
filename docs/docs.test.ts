/** What the documentation says is so: its programs run, its commands and links exist. See `testing/programs.ts`. */
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { codesIn, codesOn } from './testing/codes.js';
import { commandsOf, complaintAbout } from './testing/commands.js';
import { compile, openWorkshop, typeErrors } from './testing/compile.js';
import { publicOptions } from './testing/options.js';
import { allPages, anchorsOf, type Page, relativeLinks, ROOT } from './testing/pages.js';
import { type Program, programsOf } from './testing/programs.js';
import { EmptyFolder, inPairs, type Outcome, run } from './testing/run.js';

const PATIENCE_MS = 90_000;

const pages = allPages();
/** The pages for users. */
const manual = pages.filter(({ path }) => path === 'README.md' || /^docs\/(recipes\/)?[a-z-]+\.md$/.test(path));
const programs = manual.flatMap(programsOf);
/** Those that need nothing that is not there. What the quick start has its reader save, `quick-start.test.ts` runs. */
const runnable = programs.filter(({ isCheckOnly, fileName }) => !isCheckOnly && fileName === undefined);

const nameOf = ({ page, line }: Program) => `${page}:${line}`;

describe('a program of the documentation', () => {
  let errors: readonly string[] = [];
  const outcomes = new Map<string, Outcome>();

  beforeAll(async () => {
    using workshop = openWorkshop();
    const checking = typeErrors(programs, workshop.path);
    await inPairs(runnable, async (program) => {
      using folder = new EmptyFolder();
      outcomes.set(nameOf(program), await run(compile(program, workshop.path), [], folder.path));
    });
    errors = await checking;
  }, PATIENCE_MS);

  test('there are some', () => {
    expect(runnable.length).toBeGreaterThan(5);
  });

  test('has no type errors', () => {
    expect(errors).toEqual([]);
  });

  test.each(runnable.map(nameOf))('%s runs to its end', (name) => {
    expect(outcomes.get(name)).toMatchObject({ code: 0, errors: '' });
  });

  const printing = runnable.filter(({ outputs }) => outputs.length > 0);
  test.each(printing.map((one) => ({ name: nameOf(one), outputs: one.outputs })))(
    '$name prints what the page says',
    (one) => {
      let rest = outcomes.get(one.name)?.output ?? '';
      for (const output of one.outputs) {
        expect(rest).toContain(output);
        rest = rest.slice(rest.indexOf(output) + output.length);
      }
    },
  );
});

describe.each(pages.map(({ path }) => path))('%s', (path) => {
  const page = pages.find((one) => one.path === path) as Page;

  test('names commands, scripts, examples and flags that exist', async () => {
    const saved = new Set(programs.flatMap(({ page, fileName }) => (page === path && fileName ? [fileName] : [])));
    const complaints: string[] = [];
    for (const command of commandsOf(page)) {
      const complaint = await complaintAbout(command, saved);
      if (complaint) complaints.push(`${path}:${command.line}: ${complaint}`);
    }
    expect(complaints).toEqual([]);
  });

  test('links to what exists', () => {
    expect(
      relativeLinks(page).flatMap(({ target, line }) => (exists(page, target) ? [] : [`${path}:${line}: ${target}`])),
    ).toEqual([]);
  });
});

test.each(manual.map(({ path }) => path))('%s names error codes that exist', (path) => {
  const known = codesIn('core', 'recipes');
  const page = manual.find((one) => one.path === path) as Page;
  expect(codesOn(page).filter(({ code }) => !known.has(code))).toEqual([]);
});

test('every error of a recipe is explained on a page', () => {
  const explained = new Set(manual.flatMap((page) => codesOn(page).map(({ code }) => code)));
  expect([...codesIn('recipes')].filter((code) => !explained.has(code))).toEqual([]);
});

test('every option of a recipe is explained on a page', () => {
  const explained = manual.map(({ lines }) => lines.join('\n')).join('\n');
  const isExplained = (option: string) => new RegExp(`\`(\\w+\\.)?${option}\``).test(explained);
  // A mirror is for those who write recipes of their own; its doc comments are its reference.
  const ofRecipes = publicOptions().filter((name) => !name.startsWith('MirrorOptions.'));
  expect(ofRecipes.filter((name) => !isExplained(name.replace(/^.*\./, '')))).toEqual([]);
  expect(publicOptions()).toContain('MutexOptions.metadata');
});

/** Whether a link leads somewhere: to a file or folder, and, in a page, to a heading. */
function exists(from: Page, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from.path : normalize(join(dirname(from.path), file));
  if (!existsSync(join(ROOT, path))) return false;
  const page = pages.find((one) => one.path === path);
  return anchor === undefined || (page !== undefined && anchorsOf(page).has(anchor));
}
