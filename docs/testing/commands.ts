/** The commands that the documentation tells its readers to type, and whether there is such a thing. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommandLine } from '../../core/cli/program.js';
import { type Page, ROOT } from './pages.js';

export interface Command {
  /** From 1. */
  readonly line: number;
  readonly words: readonly string[];
}

const SHELLS = new Set(['sh', 'bash', 'shell', 'console']);
/** Commands of npm itself. */
const NPM_OWN = new Set(['ci', 'install', 'run', 'pack']);

/** Everything that looks like a command, in shell blocks and between backticks. */
export function commandsOf(page: Page): Command[] {
  const inBlocks = page.blocks
    .filter(({ language }) => SHELLS.has(language))
    .flatMap((block) => block.text.split('\n').map((text, index) => ({ text, line: block.openLine + 2 + index })));
  const inProse = page.prose.flatMap((text, index) =>
    [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => ({ text: code, line: index + 1 })),
  );
  return [...inBlocks, ...inProse].flatMap(({ text, line }) =>
    text
      .replace(/(^|\s)#.*$/, '')
      .split(/&&|\|\||[;|&]/)
      .map((part) => ({ line, words: part.trim().split(/\s+/).filter(isNoAssignment) }))
      .filter(({ words }) => words[0] !== ''),
  );
}

/**
 * What is wrong with a command of ours; nothing is known of others.
 *
 * @param saved - the names under which the page has its reader save programs
 */
export async function complaintAbout({ words }: Command, saved: ReadonlySet<string>): Promise<string | undefined> {
  const [program, first, second, ...rest] = words;
  if (program === 'npm') return first === 'run' ? npmRun(second, rest) : npm(first);
  if (program === 'npx' && first === 'conclave') return conclave(second === undefined ? [] : [second, ...rest]);
  if (program === 'node' && first?.endsWith('.mjs') && !saved.has(first)) return `the page has no ${first}`;
  return undefined;
}

function npm(command: string | undefined): string | undefined {
  return command === undefined || NPM_OWN.has(command) || command in scripts() ? undefined : `no npm ${command}`;
}

function npmRun(script: string | undefined, [argument]: readonly string[]): string | undefined {
  if (script === undefined) return undefined;
  if (!(script in scripts())) return `no script ${script}`;
  const isExample = script === 'example' && argument !== undefined && /^[a-z]/.test(argument);
  return isExample && !existsSync(join(ROOT, 'examples', argument, 'main.ts')) ? `no example ${argument}` : undefined;
}

async function conclave(words: readonly string[]): Promise<string | undefined> {
  const named = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  const names = words.slice(0, named < 0 ? words.length : named);
  const help = await helpOf(names);
  if (help === undefined) return `no conclave ${names.join(' ')}`;
  const flags = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/=.*/, ''));
  const unknown = flags.find((flag) => !new RegExp(`${flag}\\b`).test(help));
  return unknown && `conclave ${names.join(' ')} has no ${unknown}`;
}

/** The help of a command, of which the last words may be arguments; `undefined` if there is no such command. */
async function helpOf(names: readonly string[]): Promise<string | undefined> {
  let help = '';
  const write = { writeOut: (text: string) => (help += text), writeErr: () => {} };
  const code = await runCommandLine([...names, '--help'], write);
  const [, path = '', takes = ''] = /^Usage: conclave((?: [a-z-]+)*)(.*)$/m.exec(help) ?? [];
  const isWhole = !takes.includes('[command]') || names.join(' ') === path.trim();
  return code === 0 && isWhole ? help : undefined;
}

function scripts(): Readonly<Record<string, string>> {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  return scripts;
}

/** `NAME=value` before a command. */
function isNoAssignment(word: string): boolean {
  return !/^[A-Z_]+=/.test(word);
}
