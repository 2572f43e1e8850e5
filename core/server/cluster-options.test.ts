import { describe, expect, test } from '@jest/globals';
import type { PeerTls } from '../peer/types.js';
import { type ClusterOptions, resolveCluster } from './cluster-options.js';

const PEERS = { a: 'http://10.0.0.1:2380', b: 'http://10.0.0.2:2380' };
const TLS = {} as PeerTls;

describe('the options of a cluster', () => {
  test('without any, the member is alone and listens to nobody', () => {
    expect(resolveCluster({})).toEqual({
      name: 'default',
      peers: undefined,
      isJoining: false,
      token: undefined,
      advertisePeers: [],
      listenPeers: [],
    });
  });

  test('peers tell where the member listens and is reached', () => {
    expect(resolveCluster({ name: 'b', peers: PEERS })).toMatchObject({
      peers: PEERS,
      advertisePeers: ['http://10.0.0.2:2380'],
      listenPeers: [{ host: '10.0.0.2', port: 2380 }],
    });
  });

  test('it may listen elsewhere than where it is reached', () => {
    const listenPeers = { host: '0.0.0.0', port: 3380 };

    expect(resolveCluster({ name: 'a', peers: PEERS, listenPeers })).toMatchObject({
      advertisePeers: ['http://10.0.0.1:2380'],
      listenPeers: [listenPeers],
    });
  });

  test('a member by itself that listens for others is a cluster of one, which can grow', () => {
    expect(resolveCluster({ listenPeers: 'http://127.0.0.1:2380' })).toMatchObject({
      peers: { default: ['http://127.0.0.1:2380'] },
      advertisePeers: ['http://127.0.0.1:2380'],
    });
    expect(
      resolveCluster({ name: 'a', listenPeers: 'http://0.0.0.0:2380', advertisePeers: ['http://a:2380'] }),
    ).toMatchObject({ peers: { a: ['http://a:2380'] } });
  });

  test('https needs certificates', () => {
    const options = { name: 'a', peers: { a: 'https://10.0.0.1:2380' } };

    expect(resolveCluster({ ...options, peerTls: TLS })).toMatchObject({
      listenPeers: [{ host: '10.0.0.1', port: 2380 }],
    });
    expect(() => resolveCluster(options)).toThrow('peerTls');
    expect(resolveCluster({ listenPeers: 'https://h:2380', peerTls: TLS }).advertisePeers).toEqual(['https://h:2380']);
  });

  test.each<[ClusterOptions, string]>([
    [{ peers: PEERS }, 'name'],
    [{ name: 'c', peers: PEERS }, 'a, b'],
    [{ name: 'a', peers: PEERS, advertisePeers: ['http://10.0.0.9:2380'] }, 'peers.a'],
    [{ name: 'a', peers: { a: ['http://h:1', 'https://h:2'] }, peerTls: TLS }, 'all http or all https'],
    [{ initialState: 'existing' }, 'peers'],
    [{ initialState: 'old' as 'new' }, 'initialState'],
    [{ listenPeers: 'http://0.0.0.0:2380' }, 'advertisePeers'],
    [{ listenPeers: { host: '127.0.0.1', port: 0 } }, 'advertisePeers'],
    [{ listenPeers: 'tcp://h:1' }, 'listenPeers'],
    [{ listenPeers: 'unix:///run/p.sock' }, 'members talk over TCP alone, unix sockets are for clients'],
    [{ listenPeers: { path: '/run/p.sock' } as never }, 'members talk over TCP alone'],
    [
      { name: 'a', peers: { a: 'unix://localhost:a' } },
      'peers.a is "unix://localhost:a"; it must be an address such as',
    ],
    [{ name: 'a', peers: { a: 'unix://localhost:a' } }, 'members talk over TCP alone'],
    [{ listenPeers: 'http://h:1', advertisePeers: ['unixs:///p'] }, 'members talk over TCP alone'],
    [{ advertisePeers: ['h'], listenPeers: 'http://h:1' }, 'advertisePeers'],
  ])('%j is refused, with a word about it', (options, word) => {
    expect(() => resolveCluster(options)).toThrow(word);
  });
});
