/**
 * Changes each byte of a member's log, of its FORMAT and of a backup, and cuts each of them off after each byte:
 *
 * ```
 * flips [--masks N]      with so many masks each; default: 2
 * ```
 *
 * Whatever is damaged must be refused, or be read as though it were not; the last write of a log may be cut off, for it
 * cannot be told from one that a crash tore. It ends with 1 if something else was read.
 */
import { programOptions, wholeNumber } from '../program-options.js';
import { cutAfterEach, type DamageResult, flipEach } from './damage/damage.js';
import { specimens } from './damage/specimens.js';

const MASKS = [1, 0x80, 0xff, 2, 4, 8, 16, 32, 64];

const values = programOptions('npm run flips -- [--masks N]', { masks: { type: 'string', default: '2' } });
const masks = MASKS.slice(0, wholeNumber('masks', values.masks, 1));

let cases = 0;
let hasFailed = false;
for (const specimen of await specimens()) {
  show(`${specimen.name}, ${specimen.bytes.length} bytes, changed`, await flipEach(specimen, masks));
  show(`${specimen.name}, cut off`, await cutAfterEach(specimen));
}
console.log(`${cases} cases`);
process.exit(hasFailed ? 1 : 0);

function show(what: string, { caseCount, refused, harmless, cutOff, unnoticed }: DamageResult): void {
  cases += caseCount;
  const counts = `${refused} refused, ${harmless} harmless, ${cutOff} cut off`;
  console.log(`${what.padEnd(45)}${String(caseCount).padStart(6)}: ${counts}`);
  for (const { specimen, what: which } of unnoticed.slice(0, 3)) console.log(`violation: ${specimen}, ${which}`);
  hasFailed ||= unnoticed.length > 0;
}
