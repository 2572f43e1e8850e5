/** `npm run example NAME [URL]`: runs one of the examples; without a name, says which there are. */
import { readdirSync } from 'node:fs';

const folder = new URL('.', import.meta.url);
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const [name] = process.argv.splice(2, 1);
if (name !== undefined && names.includes(name)) {
  await import(new URL(`${name}/main.js`, folder).href);
} else {
  console.error(`npm run example NAME [URL], where NAME is one of: ${names.join(', ')}`);
  process.exitCode = 2;
}
