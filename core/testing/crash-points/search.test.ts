import { expect, test } from '@jest/globals';
import { VirtualDisk } from '../simulation/disk/virtual-disk.js';
import { CHOICES } from './choices.js';
import type { Rehearsable } from './rehearsal.js';
import { type ScenarioReport, search, type SearchOrder } from './search.js';

const ALL: SearchOrder = {
  scenario: '',
  at: undefined,
  choice: undefined,
  cases: Number.POSITIVE_INFINITY,
  seconds: Number.POSITIVE_INFINITY,
  keepsGoing: false,
};

/** A scenario of ten operations, which is recovered from unless a test says otherwise. */
function scenario(name: string, recover: (at: number) => Promise<void> = async () => {}): Rehearsable {
  const operation = { number: 0, name: 'write', path: '/file', lengthBytes: 1 } as const;
  const crashAt = async (at: number) => ({ disk: new VirtualDisk(), operation, recover: () => recover(at) });
  return { name, rehearse: async () => ({ operationCount: 10, crashAt }) };
}

async function reportsOf(order: Partial<SearchOrder>, scenarios: readonly Rehearsable[]): Promise<ScenarioReport[]> {
  const reports: ScenarioReport[] = [];
  const listener = { onPlace: () => {}, onReport: (report: ScenarioReport) => void reports.push(report) };
  await search(scenarios, { ...ALL, ...order }, listener);
  return reports;
}

const counts = (reports: readonly ScenarioReport[]) =>
  reports.map(({ name, caseCount }) => `${name}: ${caseCount / CHOICES.length}`);

test('every crash of every scenario is tried, or as many as were asked for', async () => {
  const both = [scenario('one'), scenario('two')];

  expect(counts(await reportsOf({}, both))).toEqual(['one: 10', 'two: 10']);
  expect(counts(await reportsOf({ cases: 10 * CHOICES.length }, both))).toEqual(['one: 5', 'two: 5']);
  expect(counts(await reportsOf({ scenario: 'tw', at: 3 }, both))).toEqual(['two: 1']);
});

test('where time is bounded, a few crashes of every scenario come before all of any', async () => {
  const reports = await reportsOf({ seconds: 1_000 }, [scenario('one'), scenario('two')]);

  expect(counts(reports)).toEqual(['one: 2', 'two: 2', 'one: 10', 'two: 10']);
});

test('nothing is begun once its time is over', async () => {
  expect(await reportsOf({ seconds: 0 }, [scenario('one')])).toEqual([]);
});

test('a crash that is not recovered from ends the search, and is told with all its reasons', async () => {
  const lost = new Error('the start failed', { cause: new Error('a write is lost') });
  const bad = scenario('bad', (at) => (at === 4 ? Promise.reject(lost) : Promise.resolve()));

  const [report, ...more] = await reportsOf({}, [bad, scenario('two')]);

  expect(more).toEqual([]);
  expect(report?.findings).toEqual([
    {
      place: { name: 'bad', at: 4, choice: 'nothing' },
      operation: 'write /file',
      why: 'the start failed; because a write is lost',
    },
    expect.anything(),
  ]);
});
