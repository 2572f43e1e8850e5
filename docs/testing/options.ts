/** The options that recipes take, as their interfaces declare them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './pages.js';

/** Names such as `MutexOptions.ttl`, of every interface of options that the front door exports. */
export function publicOptions(): string[] {
  const door = readFileSync(join(ROOT, 'recipes/index.ts'), 'utf8');
  return sources('recipes')
    .flatMap(declaredOptions)
    .filter(([declared]) => new RegExp(`\\b${declared}\\b`).test(door))
    .map(([declared, option]) => `${declared}.${option}`);
}

function declaredOptions(source: string): [declared: string, option: string][] {
  return [...source.matchAll(/^export interface (\w+Options)\b.*?\n\}/gms)].flatMap(([body, declared = '']) =>
    [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option = '']): [string, string] => [declared, option]),
  );
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(ROOT, folder, file), 'utf8'));
}
