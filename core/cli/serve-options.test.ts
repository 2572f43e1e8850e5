import { describe, expect, test } from '@jest/globals';
import { InvalidArgumentError } from '../base/errors.js';
import type { ServeFlags } from './serve-flags.js';
import { inFlagWords, toStart } from './serve-options.js';

const start = (flags: ServeFlags) => toStart(flags);
const optionsOf = (flags: ServeFlags) => start(flags).options;

describe('what serve starts', () => {
  test('without flags is a member by itself, which listens where etcd does', () => {
    expect(start({})).toEqual({
      where: { dataDir: 'conclave.data' },
      options: { listen: ['http://127.0.0.1:2379'] },
    });
  });

  test('with all flags of a cluster is told of all of them', () => {
    expect(
      start({
        name: 'b',
        'data-dir': 'd',
        'listen-client-urls': ['http://0.0.0.0:2379'],
        'advertise-client-urls': ['http://b:2379'],
        'listen-peer-urls': ['https://0.0.0.0:2380'],
        'initial-advertise-peer-urls': ['https://b:2380'],
        'initial-cluster': 'a=https://a:2380,b=https://b:2380, c=https://c:2380,c=https://d:2380',
        'initial-cluster-state': 'existing',
        'initial-cluster-token': 't',
        'force-new-cluster': true,
        'strict-reconfig-check': false,
        'auto-promote': false,
        'max-learners': 2,
        'heartbeat-interval': 20,
        'election-timeout': 200,
        'pre-vote': true,
        'snapshot-catchup-entries': 500,
        'peer-cert-file': 'cert',
        'peer-key-file': 'key',
        'peer-trusted-ca-file': 'ca',
        'peer-client-cert-auth': true,
        'max-request-bytes': 1_000,
        'quota-backend-bytes': -1,
        'audit-log': 'audit',
        cors: ['https://app.example'],
        'host-whitelist': ['b'],
        'auth-token': 'jwt,sign-method=HS256,priv-key=k',
        'auth-token-ttl': 60,
      }),
    ).toEqual({
      where: { dataDir: 'd' },
      options: {
        listen: ['http://0.0.0.0:2379'],
        advertiseClients: ['http://b:2379'],
        name: 'b',
        peers: { a: ['https://a:2380'], b: ['https://b:2380'], c: ['https://c:2380', 'https://d:2380'] },
        initialState: 'existing',
        token: 't',
        listenPeers: ['https://0.0.0.0:2380'],
        advertisePeers: ['https://b:2380'],
        forceNewCluster: true,
        autoPromote: false,
        strictReconfigCheck: false,
        peerTls: {
          cert: 'cert',
          key: 'key',
          ca: 'ca',
          requireClientCert: true,
        },
        heartbeatMs: 20,
        electionTimeoutMs: 200,
        logKeptEntries: 500,
        learnersMax: 2,
        requestBytesMax: 1_000,
        quotaBackendBytes: -1,
        auditLog: 'audit',
        cors: ['https://app.example'],
        hostWhitelist: ['b'],
        authToken: 'jwt,sign-method=HS256,priv-key=k',
        authTokenTtlSeconds: 60,
      },
    });
  });

  test('that is told only how others reach it is a cluster of one', () => {
    expect(optionsOf({ 'initial-advertise-peer-urls': ['http://a:2380'] }).peers).toEqual({
      default: ['http://a:2380'],
    });
  });

  test('in memory keeps nothing in a folder', () => {
    expect(start({ memory: true }).where).toEqual({ memory: true });
    expect(start({ memory: false, 'data-dir': 'd' }).where).toEqual({ dataDir: 'd' });
  });

  test.each<[string, ServeFlags, unknown]>([
    ['hours', { 'auto-compaction-retention': '2' }, { mode: 'periodic', retention: 7_200_000 }],
    ['a time', { 'auto-compaction-retention': '30m' }, { mode: 'periodic', retention: 1_800_000 }],
    ['nothing', { 'auto-compaction-retention': '0' }, undefined],
    [
      'revisions',
      { 'auto-compaction-mode': 'revision', 'auto-compaction-retention': '1000' },
      { mode: 'revision', retention: 1_000 },
    ],
    ['no revisions', { 'auto-compaction-mode': 'revision' }, undefined],
  ])('keeps history for %s', (_, flags, autoCompaction) => {
    expect(optionsOf(flags).autoCompaction).toEqual(autoCompaction);
  });
});

describe('flags that contradict each other', () => {
  test.each<[ServeFlags, string]>([
    [{ memory: true, 'data-dir': 'd' }, '--memory is true; it must be left out with --data-dir'],
    [
      { memory: true, 'initial-cluster': 'a=http://a:1' },
      '--memory is true; it must be left out with --initial-cluster',
    ],
    [{ memory: true, 'listen-peer-urls': ['http://a:1'] }, 'left out with --listen-peer-urls'],
    [{ 'advertise-client-urls': ['http://a:1'] }, 'given with --listen-client-urls'],
    [
      { 'listen-client-urls': ['http://0.0.0.0:1'], 'initial-cluster': 'a=http://a:1' },
      '--advertise-client-urls is undefined; it must be given when --listen-client-urls is every address',
    ],
    [
      { 'listen-client-urls': ['http://[::]:1'], 'advertise-client-urls': ['http://[::]:1'] },
      '--advertise-client-urls is "http://[::]:1"; it must be an address that clients can reach',
    ],
    [{ 'initial-cluster': 'http://a:1' }, '--initial-cluster is "http://a:1"; it must be name=http://host:port'],
    [{ 'initial-cluster': 'a=http://a:1,,b=http://b:1' }, '--initial-cluster is ""'],
    [{ 'peer-cert-file': 'c', 'peer-key-file': 'k', 'peer-cert-allowed-cn': ['m'] }, '--peer-client-cert-auth'],
    [{ 'peer-cert-file': 'cert' }, '--peer-key-file'],
    [{ 'peer-key-file': 'key' }, '--peer-cert-file'],
    [{ 'peer-client-cert-auth': true }, '--peer-cert-file'],
    [{ 'peer-cert-file': 'c', 'peer-key-file': 'k', 'peer-client-cert-auth': true }, '--peer-trusted-ca-file'],
    [{ 'auto-compaction-retention': 'soon' }, '--auto-compaction-retention is "soon"; it must be a time'],
    [{ 'auto-compaction-mode': 'revision', 'auto-compaction-retention': '1h' }, 'a number of revisions'],
  ])('%j are refused', (flags, words) => {
    expect(() => start(flags)).toThrow(InvalidArgumentError);
    expect(() => start(flags)).toThrow(words);
  });

  test('of TLS towards clients stay paths, which the member follows', () => {
    const flags: ServeFlags = {
      'cert-file': 'c',
      'key-file': 'k',
      'trusted-ca-file': 'a',
      'client-crl-file': 'l',
      'client-cert-auth': true,
      'tls-min-version': 'TLS1.3',
      'self-signed-cert-validity': 2,
      'listen-client-http-urls': ['http://a:1'],
    };
    expect(optionsOf(flags)).toMatchObject({
      clientTls: { cert: 'c', key: 'k', ca: 'a', crl: 'l', clientCertAuth: true, minVersion: 'TLSv1.3' },
      selfSignedCertValidityYears: 2,
      listenHttp: ['http://a:1'],
    });
    expect(optionsOf({}).clientTls).toBeUndefined();
    expect(optionsOf({ 'peer-auto-tls': true })).toMatchObject({ peerAutoTls: true });
    expect(optionsOf({ 'peer-auto-tls': true, 'tls-min-version': 'TLS1.3' })).toMatchObject({
      peerAutoTls: { minVersion: 'TLSv1.3' },
    });
    expect(optionsOf({ 'auto-tls': true })).toMatchObject({ clientTls: {}, autoTls: true });
  });

  test('a wildcard address serves a member by itself', () => {
    expect(optionsOf({ 'listen-client-urls': ['http://0.0.0.0:1'] }).listen).toEqual(['http://0.0.0.0:1']);
  });
});

describe('what the member refuses', () => {
  test.each([
    [
      ['name', 'c', 'one of the names in peers: a, b'],
      '--name is "c"; it must be one of the names in --initial-cluster: a, b',
    ],
    [['peers.a', 'x', 'an address'], '--initial-cluster (a) is "x"; it must be an address'],
    [
      ['advertisePeers', 'http://x:1', 'as in peers.a: http://a:1'],
      '--initial-advertise-peer-urls is "http://x:1"; it must be as in --initial-cluster (a): http://a:1',
    ],
    [
      ['clientTls.key', 'k.pem', 'the key of the certificate in clientTls.cert'],
      '--key-file is "k.pem"; it must be the key of the certificate in --cert-file',
    ],
    [['peerTls.crl', 'l', 'lists'], '--peer-crl-file is "l"; it must be lists'],
    [['electionTimeoutMs', 200, '5 heartbeats'], '--election-timeout is 200; it must be 5 heartbeats'],
    [['authToken sign-method', 'x', 'one of RS256'], '--auth-token (sign-method) is "x"; it must be one of RS256'],
    [['authToken', 'x', "'simple'"], '--auth-token is "x"; it must be \'simple\''],
    [['hostWhitelist', 'x:1', 'a host'], '--host-whitelist is "x:1"; it must be a host'],
    [['cors', 'x', 'an origin'], '--cors is "x"; it must be an origin'],
    [['rateLimits.0.burst', 0, 'more'], '--rate-limit (0.burst) is 0; it must be more'],
    [['prefixQuotas.1.keysMax', 0, 'more'], '--prefix-quota (1.keysMax) is 0; it must be more'],
    [['readsMax', 0, 'more'], 'readsMax is 0; it must be more'],
  ] as const)('%j is told in the words of flags', ([field, value, limit], words) => {
    expect((inFlagWords(new InvalidArgumentError(field, value, limit)) as Error).message).toBe(words);
  });

  test('anything else is left as it is', () => {
    const error = new Error('EADDRINUSE');

    expect(inFlagWords(error)).toBe(error);
  });
});
