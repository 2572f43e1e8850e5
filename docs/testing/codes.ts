/** The codes of errors, in the sources and on the pages. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Page, ROOT } from './pages.js';

const CODE = /'([A-Z]+(?:_[A-Z]+)+|TIMEOUT|CLOSED|COMPACTED|UNAVAILABLE)'/g;

/** Every code that an error class below these folders has. */
export function codesIn(...folders: readonly string[]): Set<string> {
  const codes = new Set<string>();
  for (const folder of folders) {
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (!/(^|[/-])errors\.ts$/.test(file)) continue;
      for (const [, code = ''] of readFileSync(join(ROOT, folder, file), 'utf8').matchAll(CODE)) codes.add(code);
    }
  }
  return codes;
}

/** Variables of etcd's world look like codes. */
const VARIABLE = /^ETCD(?:CTL)?_/;

/** Every code that a page names, with its line from 1. */
export function codesOn(page: Page): { readonly code: string; readonly line: number }[] {
  return page.lines.flatMap((text, index) =>
    [...text.matchAll(/[`']([A-Z]+(?:_[A-Z]+)+)[`']/g)]
      .map(([, code = '']) => ({ code, line: index + 1 }))
      .filter(({ code }) => !VARIABLE.test(code)),
  );
}
