import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPILED, PROJECT } from '../project.js';
import { runNode } from '../run-process.js';
import type { Finding, Layer, LayerName } from './layer.js';
import { lastLines } from './program-layer.js';

const SECONDS_MAX = 240;
const FLAGS = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];

/** What jest tells in its report of one file. */
interface TestFile {
  readonly message: string;
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
}

/** The tests of one file or of a folder. They are compiled by a transform of our own, which makes the change. */
export class JestLayer implements Layer {
  readonly #path: string;

  /** @param path - of a test file or a folder, from the project's folder */
  constructor(path: string) {
    this.#path = path;
  }

  get name(): LayerName {
    return `jest:${this.#path}`;
  }

  get missing(): string | undefined {
    return existsSync(join(PROJECT, this.#path)) ? undefined : `there is no ${this.#path}`;
  }

  async ask(environment: Readonly<Record<string, string>>): Promise<Finding> {
    const folder = mkdtempSync(join(tmpdir(), 'conclave-mutants-'));
    const report = join(folder, 'report.json');
    const transform = JSON.stringify({ '^.+\\.ts$': join(COMPILED, 'core/testing/mutants/jest-transform.js') });
    const args = [...FLAGS, this.#path, '--runInBand', `--transform=${transform}`];
    try {
      const ended = await runNode([...args, '--json', `--outputFile=${report}`], environment, SECONDS_MAX);
      const { seconds } = ended;
      if (ended.isTimedOut) return { verdict: 'quiet', said: 'the tests did not end in time', seconds };
      if (!existsSync(report)) return { verdict: 'broken', said: lastLines(ended.errors), seconds };
      return { ...judge(readFileSync(report, 'utf8')), seconds };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}

/** Only a test that failed counts: a file that cannot even be loaded says nothing of what the program does. */
function judge(report: string): Omit<Finding, 'seconds'> {
  const { testResults } = JSON.parse(report) as { testResults: readonly TestFile[] };
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const took = {
    count: tests.filter(({ status }) => status === 'passed' || status === 'failed').length,
    unit: 'tests',
  };
  const failed = tests.find(({ status }) => status === 'failed');
  if (failed !== undefined) return { verdict: 'caught', said: failed.fullName, took };
  const unloaded = testResults.find(({ assertionResults }) => assertionResults.length === 0);
  if (unloaded !== undefined || took.count === 0)
    return { verdict: 'broken', said: unloaded?.message ?? 'there are no tests', took };
  return { verdict: 'quiet', said: 'all tests passed', took };
}
