import { describe, expect, test } from '@jest/globals';
import { isLacking, normalize } from './etcd-flags.js';
import { readServeFlags, SERVE_FLAGS, type ServeFlagName, variableOf } from './serve-flags.js';

describe('a flag of serve', () => {
  test.each<[ServeFlagName, string, unknown]>([
    ['name', 'a', 'a'],
    ['listen-client-urls', 'http://a:1, http://b:2', ['http://a:1', 'http://b:2']],
    ['initial-cluster-state', 'existing', 'existing'],
    ['max-learners', '1', 1],
    ['max-learners', '7', 7],
    ['election-timeout', '50000', 50_000],
    ['max-request-bytes', '134217728', 134_217_728],
    ['quota-backend-bytes', '-1', -1],
    ['quota-backend-bytes', '8589934592', 8_589_934_592],
    ['cors', 'http://a,https://b:1', ['http://a', 'https://b:1']],
    ['host-whitelist', '*', ['*']],
    ['auth-token', 'jwt,sign-method=RS256,pub-key=p', 'jwt,sign-method=RS256,pub-key=p'],
    ['auth-token-ttl', '1', 1],
    ['auth-token-ttl', '2147483647', 2_147_483_647],
    ['memory', 'true', true],
    ['memory', 'F', false],
    ['pre-vote', '1', true],
    ['auto-compaction-mode', 'revision', 'revision'],
  ])('--%s %s means %p, also as a variable', (name, text, meaning) => {
    expect(readServeFlags({ [name]: text }, {})).toEqual({ [name]: meaning });
    expect(readServeFlags({}, { [variableOf(name)]: text })).toEqual({ [name]: meaning });
  });

  test.each<[ServeFlagName, string, string]>([
    ['election-timeout', '0', 'a whole number from 1 to 50000'],
    ['election-timeout', '50001', 'a whole number from 1 to 50000'],
    ['heartbeat-interval', '100ms', 'a whole number from 1 to 50000'],
    ['max-learners', '8', 'a whole number from 1 to 7'],
    ['max-request-bytes', '134217729', 'a whole number from 1 to 134217728'],
    ['max-request-bytes', '-1', 'a whole number from 1 to 134217728'],
    ['auth-token-ttl', '0', 'a whole number from 1 to 2147483647'],
    ['auth-token-ttl', '2147483648', 'a whole number from 1 to 2147483647'],
    ['auth-token-ttl', '5m', 'a whole number from 1 to 2147483647'],
    ['host-whitelist', 'a,,b', 'one or more, separated by commas'],
    ['memory', 'yes', 'true or false'],
    ['pre-vote', 'false', 'true: without it'],
    ['initial-cluster-state', 'old', 'one of new, existing'],
    ['listen-peer-urls', 'http://a:1,', 'one or more, separated by commas'],
    ['rate-limit', 'per-second=1', 'of the form prefix=<text>,per-second=<count>[,burst=<count>]'],
    ['rate-limit', 'prefix=a,second=1', 'of the form prefix='],
    ['rate-limit', 'prefix=a,per-second=1,per-second=2', 'of the form prefix='],
    ['prefix-quota', 'prefix=a,keys', 'of the form prefix=<text>[,keys=<count>][,bytes=<size>]'],
  ])('--%s %s is refused with its limit', (name, text, limit) => {
    expect(() => readServeFlags({ [name]: text }, {})).toThrow(`--${name} is "${text}"; it must be ${limit}`);
    expect(() => readServeFlags({}, { [variableOf(name)]: text })).toThrow(`${variableOf(name)} is "${text}"`);
  });

  test('of rules may hold several, and sizes with their unit', () => {
    const flags = readServeFlags(
      {
        'rate-limit': 'prefix=jobs/,per-second=100,burst=200,of=writes;prefix=,per-second=5',
        'prefix-quota': 'prefix=a=b/,keys=10000,bytes=64MiB',
      },
      { [variableOf('prefix-quota')]: 'prefix=x,keys=1' },
    );

    expect(flags).toEqual({
      'rate-limit': [
        { prefix: 'jobs/', perSecond: 100, burst: 200, of: 'writes' },
        { prefix: '', perSecond: 5 },
      ],
      'prefix-quota': [{ prefix: 'a=b/', keysMax: 10_000, bytesMax: 64 * 2 ** 20 }],
    });
  });

  test('goes before its variable; an empty variable counts as none', () => {
    expect(readServeFlags({ name: 'a' }, { ETCD_NAME: 'b', ETCD_DATA_DIR: '' })).toEqual({ name: 'a' });
  });

  test('is nothing that Conclave says it lacks', () => {
    expect(Object.keys(SERVE_FLAGS).filter(isLacking)).toEqual([]);
  });
});

describe('flags of etcd', () => {
  test('may have one dash or two; values and short options stay as they are', () => {
    expect(normalize(['serve', '-name', 'a', '-h', '--data-dir=-x', '-pre-vote=true'])).toEqual({
      args: ['serve', '--name', 'a', '-h', '--data-dir=-x', '--pre-vote=true'],
    });
  });

  test.each(['--wal-dir', '-snapshot-count=1', '--experimental-anything'])('%s is one that Conclave lacks', (arg) => {
    expect(normalize(['serve', arg]).lacking).toBe(arg.replace(/^-+/, '').replace('=1', ''));
  });
});
