import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { InvalidArgumentError } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/logger.js';
import { freePorts } from '../testing/cluster/free-ports.js';
import { put } from '../txn.js';
import { peerTlsOf } from './peer-tls.js';
import { type RunningMember, startMember, type StartOptions } from './start-member.js';

const QUICK = { heartbeatMs: 50, electionTimeoutMs: 300 };
const SECURE = { listenPeers: 'https://127.0.0.1:0', advertisePeers: ['https://127.0.0.1:2380'] };

let folder: string;
const running: RunningMember[] = [];
const warned: string[] = [];
const logger: Logger = { ...silentLogger, warn: (_fields, message) => warned.push(message) };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-peer-tls-'));
});
afterEach(async () => {
  warned.length = 0;
  await Promise.all(running.splice(0).map((one) => one.close()));
  await rm(folder, { recursive: true });
});

async function start(name: string, options: StartOptions): Promise<RunningMember> {
  const started = await startMember({ dataDir: join(folder, name) }, { name, logger, ...QUICK, ...options });
  running.push(started);
  return started;
}

/** What a port speaks, told by whoever greets it. */
function greet(port: number, options: object = {}): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('members that make their certificates', () => {
  test('are one cluster, over TLS, and one that joins later is of it', async () => {
    const [one, two, three] = (await freePorts(3)) as [number, number, number];
    const urlOf = (port: number) => `https://127.0.0.1:${port}`;
    const peers = { a: urlOf(one), b: urlOf(two) };
    const [a, b] = await Promise.all(['a', 'b'].map((name) => start(name, { peers, peerAutoTls: true })));

    const { revision } = await (a as RunningMember).member.put(put('k', 'v'));
    const [kv] = (await (b as RunningMember).member.range({ type: 'range', key: Buffer.from('k') })).kvs;
    expect(kv?.modRevision).toBe(revision);
    expect(await greet(one)).toBe('TLSv1.3');

    await (a as RunningMember).member.memberAdd({ peerUrls: [urlOf(three)], isLearner: true });
    const c = await start('c', { peers: { ...peers, c: urlOf(three) }, initialState: 'existing', peerAutoTls: true });
    expect((await c.member.range({ type: 'range', key: Buffer.from('k'), serializable: false })).kvs).toHaveLength(1);
  }, 30_000);

  test('say that whoever reaches them can take part', async () => {
    await start('a', { ...SECURE, peerAutoTls: true });

    expect(warned.join()).toContain('certificates that nobody vouches for: whoever reaches them can take part');
  });

  test('speak the TLS that was asked for', async () => {
    const [port] = (await freePorts(1)) as [number];
    const url = `https://127.0.0.1:${port}`;
    await start('a', { listenPeers: url, peerAutoTls: { minVersion: 'TLSv1.3' } });

    expect(await greet(port)).toBe('TLSv1.3');
    await expect(greet(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
  });
});

describe('certificates of its own', () => {
  test('are new ones each time, which need no folder', async () => {
    const [first, second] = [
      await peerTlsOf({ ...SECURE, peerAutoTls: true }, logger),
      await peerTlsOf({ ...SECURE, peerAutoTls: true }, logger),
    ];

    expect(first).toMatchObject({ requireClientCert: false, insecureSkipVerify: true });
    expect(first?.cert).not.toEqual(second?.cert);
  });

  test('are not made where others were given, or nothing wants them', async () => {
    const given = { cert: 'c', key: 'k', requireClientCert: true };

    expect(await peerTlsOf({ ...SECURE, peerTls: given, peerAutoTls: true }, logger)).toBe(given);
    expect(await peerTlsOf({ listenPeers: 'http://127.0.0.1:0', peerAutoTls: true }, logger)).toBeUndefined();
    expect(warned).toEqual([
      'peerAutoTls has no effect: certificates for members are given',
      'peerAutoTls has no effect: no address of a member is https',
    ]);
    expect(await peerTlsOf({ ...SECURE, peerTls: given }, logger)).toBe(given);
    expect(await peerTlsOf({ ...SECURE, peerAutoTls: false }, logger)).toBeUndefined();
  });

  test.each([0, 101, 1.5])('are not valid for %p years', async (selfSignedCertValidityYears) => {
    const options = { ...SECURE, peerAutoTls: true, selfSignedCertValidityYears };

    await expect(peerTlsOf(options, logger)).rejects.toBeInstanceOf(InvalidArgumentError);
  });

  test('that nobody asked for are missing where an address wants some', async () => {
    await expect(start('a', SECURE)).rejects.toThrow('peerTls');
  });
});
