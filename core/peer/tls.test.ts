import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { makeAuthority, type TestAuthority } from '../tls/testing/certificates.js';
import { dialRaw, helloBytes, RawEnd } from './testing/raw-end.js';
import { connect, heartbeat, PeerWorld, type TestMember, until } from './testing/world.js';
import { KIND } from './frame.js';
import { startPeers } from './transport.js';
import { seededPrng } from '../base/prng.js';
import { silentLogger } from '../base/logger.js';
import type { ChangeRequest, PeerTls } from './types.js';

let authority: TestAuthority;
let stranger: TestAuthority;
let good: PeerTls;
let forged: PeerTls;
beforeAll(async () => {
  authority = await makeAuthority('ours');
  stranger = await makeAuthority('theirs');
  good = await authority.issue();
  // It trusts our authority, but has its own certificate from another.
  forged = { ...(await stranger.issue()), ca: authority.certificate };
});

let world: PeerWorld;
beforeEach(() => {
  world = new PeerWorld();
});
afterEach(() => world.close());

/** Lets both ends fail, and answers what they logged. */
async function failure(from: TestMember, to: TestMember): Promise<{ from: string; to: string }> {
  const urls = to.peers.urls.map((url) => url.replace('http:', 'https:'));
  from.peers.setPeers([{ id: to.id, urls }]);
  await until(() => from.logged.length > 0);
  expect(from.peers.isConnected(to.id)).toBe(false);
  expect(to.handler.greeted).toEqual([]);
  return { from: from.logged.join(), to: to.logged.join() };
}

test('members whose certificates one authority signed talk over TLS', async () => {
  const [a, b] = [await world.start(1n, { tls: good }), await world.start(2n, { tls: good })];
  expect(b.peers.urls[0]).toMatch(/^https:/);
  await connect(a, b);
  await connect(b, a);
  for (let at = 1; at <= 3; at += 1) a.peers.send(2n, [heartbeat(at)]);
  a.peers.send(2n, [{ type: 'askChange', request: 1, change: Buffer.alloc(300_000, 7) }]);
  await until(() => b.handler.frames.length === 4);
  const [last] = b.handler.frames[3]!.messages;
  expect(Buffer.compare((last as ChangeRequest).change, Buffer.alloc(300_000, 7))).toBe(0);
});

test('a member whose certificate another authority signed is not talked to', async () => {
  const [a, b] = [await world.start(1n, { tls: good }), await world.start(2n, { tls: await stranger.issue() })];
  const logged = await failure(a, b);
  expect(logged.from).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED|UNABLE_TO_GET_ISSUER/);
});

test('who takes any certificate talks to whoever it dials, and is heard where no certificate is asked for', async () => {
  const anybody = { ...(await stranger.issue({ requireClientCert: false })), insecureSkipVerify: true };
  const [a, b] = [await world.start(1n, { tls: anybody }), await world.start(2n, { tls: anybody })];

  await connect(a, b);
  await connect(b, a);
});

test('a member whose certificate is for another host is not talked to', async () => {
  const elsewhere = await authority.issue({ hosts: ['10.9.8.7', 'elsewhere.example'] });
  const [a, b] = [await world.start(1n, { tls: good }), await world.start(2n, { tls: elsewhere })];
  expect((await failure(a, b)).from).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
});

test('who dials may do so from another address than those that its certificate names', async () => {
  const elsewhere = await authority.issue({ hosts: ['10.9.8.7', 'elsewhere.example'] });
  const [a, b] = [await world.start(1n, { tls: elsewhere }), await world.start(2n, { tls: good })];
  await connect(a, b);
});

test('who dials with a certificate of another authority is refused', async () => {
  const [a, b] = [await world.start(1n, { tls: forged }), await world.start(2n, { tls: good })];
  await failure(a, b);
  await until(() => b.logged.length > 0);
  expect(b.logged.join()).toContain('refused a connection: its TLS greeting failed');
});

test('who dials without a certificate is refused where one is required, and heard where none is', async () => {
  const lenient = await world.start(2n, { tls: await authority.issue({ requireClientCert: false }) });
  const strict = await world.start(3n, { tls: good });
  const bare = async (member: TestMember) => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: Number(new URL(member.peers.urls[0]!).port),
      ca: Buffer.from(authority.certificate),
    });
    world.add(() => void socket.destroy());
    const end = new RawEnd(socket);
    end.write(helloBytes({ clusterId: 0xc1n, memberId: 1n, incarnation: 10n }, member.id));
    return end;
  };
  const heard = await bare(lenient);
  await until(() => heard.hasHeard(KIND.welcome));

  const refused = await bare(strict);
  await until(() => refused.isClosed);
  expect(refused.hasHeard(KIND.welcome)).toBe(false);
  expect(strict.handler.greeted).toEqual([]);
});

test('plain bytes to a TLS port end the connection, and TLS to a plain port too', async () => {
  const [plain, secure] = [await world.start(1n), await world.start(2n, { tls: good })];
  const end = await dialRaw(secure.peers.urls[0]!);
  end.write(helloBytes({ clusterId: 0xc1n, memberId: 1n, incarnation: 10n }, 2n));
  await until(() => end.isClosed);
  expect(secure.handler.greeted).toEqual([]);
  expect(secure.logged.join()).toContain('refused a connection: its TLS greeting failed');

  await failure(secure, plain);
  await until(() => plain.logged.join().includes('a connection ended before it was known who made it'));
});

test('who does not get on with TLS has only so long, and is one of the strangers', async () => {
  const b = await world.start(2n, { tls: good, limits: { greetingTimeoutMs: 300, strangersMax: 1 } });
  const silent = await dialRaw(b.peers.urls[0]!);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const second = await dialRaw(b.peers.urls[0]!);
  await until(() => second.isClosed);
  await world.clock.advance(300);
  await until(() => silent.isClosed);

  const a = await world.start(1n, { tls: good });
  await connect(a, b);
});

test('the end of a process is noticed at once over TLS too', async () => {
  const [a, b] = [await world.start(1n, { tls: good }), await world.start(2n, { tls: good })];
  await connect(a, b);
  await b.peers.close();
  await until(() => a.handler.gone.length === 1);
});

test('nothing of certificates or keys is logged', async () => {
  const [a, b] = [await world.start(1n, { tls: good }), await world.start(2n, { tls: forged })];
  const logged = await failure(a, b);
  expect(logged.from + logged.to).not.toMatch(/BEGIN|PRIVATE|CN=/);
});

test('what is no certificate is an error at the start, and so is an address for TLS without any', async () => {
  const options = {
    greeting: { clusterId: 1n, memberId: 1n, incarnation: 1n },
    handler: (await world.start(1n)).handler,
    clock: world.clock,
    prng: seededPrng(1),
    logger: silentLogger,
  };
  const listen = [{ host: '127.0.0.1', port: 0 }];
  const tls = { ...good, cert: Buffer.from('this is no certificate') };
  await expect(startPeers({ ...options, listen, tls })).rejects.toThrow(/PEM/i);
  await expect(startPeers({ ...options, listen: [{ ...listen[0]!, isTls: true }] })).rejects.toThrow('tls');
});

test('a member is let in only with a name that is allowed', async () => {
  const [ours, theirs] = [await authority.issue({ commonName: 'm1' }), await authority.issue({ commonName: 'm2' })];
  const strict = await world.start(1n, { tls: { ...good, allowedCommonNames: ['m1', 'other'] } });
  const a = await world.start(2n, { tls: ours });
  await connect(a, strict);
  const b = await world.start(3n, { tls: theirs });
  b.peers.setPeers([{ id: 1n, urls: strict.peers.urls }]);
  await until(() => strict.logged.join().includes('its certificate is for somebody else'));
  expect(b.peers.isConnected(1n)).toBe(false);

  const elsewhere = await world.start(4n, { tls: { ...good, allowedHostnames: ['member.example'] } });
  a.peers.setPeers([{ id: 4n, urls: elsewhere.peers.urls }]);
  await until(() => elsewhere.logged.join().includes('its certificate is for somebody else'));
});

test('a member whose certificate was revoked is not let in', async () => {
  const revoked = await authority.issue();
  const strict = await world.start(1n, { tls: { ...good, crl: await authority.revoke(revoked.cert) } });
  const a = await world.start(2n, { tls: revoked });
  a.peers.setPeers([{ id: 1n, urls: strict.peers.urls }]);
  await until(() => strict.logged.join().includes('refused a connection: its TLS greeting failed'));
  expect(a.peers.isConnected(1n)).toBe(false);
});

test('certificates in files are used for new connections once they change', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-peers-'));
  world.add(() => rm(folder, { recursive: true }));
  const pathOf = async (name: string, bytes: Uint8Array) => {
    await writeFile(join(folder, name), bytes);
    return join(folder, name);
  };
  const first = await stranger.issue();
  const files = {
    cert: await pathOf('cert', first.cert),
    key: await pathOf('key', first.key),
    ca: authority.certificate,
  };
  const b = await world.start(2n, { tls: { ...files, requireClientCert: true } });
  const a = await world.start(1n, { tls: good });
  await failure(a, b);

  await pathOf('cert', good.cert as Uint8Array);
  await pathOf('key', good.key as Uint8Array);
  // The first attempts may come before the files are looked at again.
  for (let second = 0; second < 5 && !a.peers.isConnected(2n); second += 1) {
    await world.clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await until(() => a.peers.isConnected(2n));
});

test('with certificates an address may still be plain', async () => {
  const peers = await startPeers({
    greeting: { clusterId: 1n, memberId: 1n, incarnation: 1n },
    listen: [
      { host: '127.0.0.1', port: 0, isTls: false },
      { host: 'localhost', port: 0 },
    ],
    tls: good,
    handler: (await world.start(1n)).handler,
    clock: world.clock,
    prng: seededPrng(1),
    logger: silentLogger,
  });
  world.add(() => peers.close());
  expect(peers.urls.map((url) => url.replace(/\d+$/, 'port'))).toEqual([
    'http://127.0.0.1:port',
    'https://localhost:port',
  ]);
});
