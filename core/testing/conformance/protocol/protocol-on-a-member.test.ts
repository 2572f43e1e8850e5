/** The table against one Conclave member; and whether what it lacks is really lacking. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { METHODS_NOT_YET, FEATURES_NOT_YET, PATHS_NOT_YET } from './not-yet.js';
import { methodNamed } from './methods.js';
import { rule, stream, call, gives } from './notation.js';
import { runRule } from './run-rule.js';
import type { ServerUnderTest } from './server-under-test.js';
import { protocolSuite } from './suite.js';
import { memberTarget } from './targets.js';

protocolSuite(memberTarget());

describe('what is said to be not there yet', () => {
  const target = memberTarget();
  let member: ServerUnderTest;
  beforeAll(async () => {
    [member] = (await target.start('shared')) as [ServerUnderTest];
  });
  afterAll(() => target.stop());

  const holds = async (each: ReturnType<typeof rule>): Promise<string> =>
    runRule(each, member).then(
      () => 'it is there: take its line out of not-yet.ts',
      (error: unknown) => String(error),
    );

  test.each([...METHODS_NOT_YET])('%s is not answered', async (name) => {
    const opened = stream(name);
    const steps = methodNamed(name).responseStream
      ? [opened.open(), opened.receive(gives({}))]
      : [call(name, {}, gives({}))];

    expect(await holds(rule(name, ...steps))).toContain('UNIMPLEMENTED');
  });

  test('no path that is listed is answered', async () => {
    for (const [path, line] of Object.entries(PATHS_NOT_YET)) {
      const [method = '', target = ''] = line.split(' ');
      const { status } = await fetch(`${member.url}${target}`, { method, body: '{}' }).catch(() => ({ status: 404 }));
      expect({ path, isAnswered: status !== 404 && status !== 501 }).toEqual({ path, isAnswered: false });
    }
  });

  test('no feature that is listed is there', async () => {
    for (const [feature, each] of Object.entries(FEATURES_NOT_YET)) {
      expect(`${feature}: ${await holds(each)}`).not.toContain('it is there');
    }
  });
});
