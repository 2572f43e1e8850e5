import { describe, expect, it } from '@jest/globals';
import { DataDirError } from '../base/errors.js';
import { commitFailure, openFailure, readFailure } from './lmdb-failure.js';

const withCode = (code: string | number) => Object.assign(new Error(`code ${code}`), { code });
const codeOf = (error: Error) => (error as { code?: unknown }).code;

describe('a database that does not open', () => {
  it.each([
    ['EACCES', 'DATA_DIR_READ_ONLY'],
    ['EROFS', 'DATA_DIR_READ_ONLY'],
    [13, 'DATA_DIR_READ_ONLY'],
    [30, 'DATA_DIR_READ_ONLY'],
    ['ENOSPC', 'DATA_DIR_FULL'],
    [28, 'DATA_DIR_FULL'],
    ['ENOTDIR', 'DATA_DIR_UNREADABLE'],
    [-30793, 'DATA_DIR_UNREADABLE'],
  ])('because of %s is %s', (code, expected) => {
    const cause = withCode(code);
    const failure = openFailure('/data', cause);

    expect([failure.code, failure.path, failure.cause]).toEqual([expected, '/data', cause]);
  });

  it('keeps an error that already says why', () => {
    const said = new DataDirError('DATA_DIR_LOCKED', '/data', 'another process has it');

    expect(openFailure('/data', said)).toBe(said);
  });
});

it('a database that does not read is unreadable', () => {
  expect(readFailure('/data', withCode(-30797))).toMatchObject({ code: 'DATA_DIR_UNREADABLE', path: '/data' });
});

describe('a transaction that fails', () => {
  it('for want of room says so', async () => {
    expect(codeOf(await commitFailure('/data', withCode(28)))).toBe('DATA_DIR_FULL');
    expect(codeOf(await commitFailure('/data', withCode(-30792)))).toBe('DATA_DIR_FULL');
  });

  it('for any other reason passes that on', async () => {
    const reason = withCode(5);

    expect(await commitFailure('/data', reason)).toBe(reason);
  });

  it('passes on what LMDB said rather than that it failed', async () => {
    const said = withCode(5);
    const commitError = Promise.reject(said);
    const rejection = Object.assign(new Error('see commitError'), { commitError });

    expect(await commitFailure('/data', rejection)).toBe(said);
  });

  it('is an error even if what was thrown is none', async () => {
    expect(await commitFailure('/data', 'odd')).toBeInstanceOf(Error);
  });
});
