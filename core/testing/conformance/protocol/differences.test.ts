/** What differs from etcd on purpose is written down, and what is written down differs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { TOPICS } from './all-topics.js';
import type { Expected, Step } from './rule.js';

const PAGE = join(process.cwd(), 'docs/etcd-differences.md');
/** What the whole table is to have. */
const CASES_MIN = 1_200;

test('the page of differences from etcd has a section for each difference of the table', () => {
  const inTable = TOPICS.flatMap(({ rules }) => rules.flatMap(({ steps }) => steps.flatMap(slugsOf)));
  const sections = sectionsOf(readFileSync(PAGE, 'utf8'));
  const ofCases = sections.filter(({ shownBy }) => shownBy === undefined).map(({ slug }) => slug);

  expect(ofCases.sort()).toEqual([...new Set(inTable)].sort());
});

test('each of its other sections names a test that there is', () => {
  const shownByTests = sectionsOf(readFileSync(PAGE, 'utf8')).flatMap(({ shownBy }) => shownBy ?? []);

  const missing = shownByTests.filter(({ path, name }) => !readFileSync(path, 'utf8').includes(`test('${name}'`));

  expect(shownByTests.length).toBeGreaterThan(0);
  expect(missing).toEqual([]);
});

test('no two cases of a service have the same name, and there are enough of them', () => {
  const names = TOPICS.flatMap(({ service, rules }) => rules.map(({ name }) => `${service}: ${name}`));

  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  expect(names.length).toBeGreaterThanOrEqual(CASES_MIN);
});

test('every case does something', () => {
  const idle = TOPICS.flatMap(({ rules }) => rules).filter(({ steps }) => steps.length === 0);

  expect(idle.map(({ name }) => name)).toEqual([]);
});

interface Section {
  readonly slug: string;
  /** The test that shows what no case of the table can. */
  readonly shownBy: { readonly path: string; readonly name: string } | undefined;
}

function sectionsOf(page: string): Section[] {
  const [, ...sections] = page.split(/^## /m);
  return sections.map((section) => {
    const [title = ''] = section.split('\n', 1);
    // Lines are broken where they are too long.
    const [, path, name] = /^Shown by `([^`]+)`:([^]*)/m.exec(section) ?? [];
    const shownBy =
      path === undefined || name === undefined ? undefined : { path, name: name.trim().replace(/\s+/g, ' ') };
    return { slug: slugOf(title), shownBy };
  });
}

/** As in a link to a heading. */
function slugOf(title: string): string {
  return title.toLowerCase().replaceAll(' ', '-');
}

function slugsOf(step: Step): string[] {
  if (step.do === 'eventually' || step.do === 'begin') return slugsOf(step.call);
  return 'expects' in step && step.expects !== undefined ? slugsIn(step.expects) : [];
}

function slugsIn<T>(expected: Expected<T>): string[] {
  const varied = expected as { kind: string };
  if (varied.kind === 'since') {
    const { newer, older } = expected as Extract<Expected<never>, { kind: 'since' }>;
    return [...slugsIn(newer), ...slugsIn(older)];
  }
  if (varied.kind !== 'on purpose') return [];
  const { slug, etcd, conclave } = expected as Extract<Expected<never>, { kind: 'on purpose' }>;
  return [slug, ...slugsIn(etcd), ...slugsIn(conclave)];
}
