import { expect, test } from '@jest/globals';
import { cutAfterEach, flipEach } from './damage.js';
import { type Specimen, specimens } from './specimens.js';

test('what is damaged on a disk is refused, or read as though it were not', async () => {
  for (const specimen of await specimens()) {
    const flipped = await flipEach(specimen, [1, 0x80], { every: 17 });
    const cut = await cutAfterEach(specimen, { every: 23 });
    expect([...flipped.unnoticed, ...cut.unnoticed]).toEqual([]);
    expect(flipped.refused).toBeGreaterThan(0);
  }
});

test('damage that nobody notices is told', async () => {
  const careless: Specimen = {
    name: 'nothing is checked',
    bytes: Buffer.from('abc'),
    read: (bytes) => Promise.resolve({ text: Buffer.from(bytes).toString() }),
    alsoAllowed: new Set(['bbc']),
    allowedCutOff: new Set(['a']),
  };
  expect(await flipEach(careless, [3])).toMatchObject({ caseCount: 3, cutOff: 1, unnoticed: [{}, {}] });
  expect(await cutAfterEach(careless)).toMatchObject({ caseCount: 3, cutOff: 1, unnoticed: [{}, {}] });
});
