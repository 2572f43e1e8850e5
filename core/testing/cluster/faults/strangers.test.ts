/** Strangers at the peer port: what is malformed, too large, half, or of nobody ends their connection and nothing else. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encodeFrame, headerOf, KIND, PREAMBLE, preambleOf } from '../../../peer/frame.js';
import { encodeHello } from '../../../peer/greeting.js';
import type { MemberProcess } from '../member-process.js';
import { CONCLAVE, programUnderTest } from '../member-program.js';
import { ProcessCluster } from '../process-cluster.js';
import { membersAgree, writesGoOn } from './trials.js';

const GROWTH_BYTES_MAX = 64 * 1024 * 1024;
const GIVEN_UP_MS = 15_000;
const LARGE = new Uint8Array(8 * 1024 * 1024);

const isOurs = programUnderTest() === CONCLAVE;
let cluster: ProcessCluster;
let victim: MemberProcess;
const greeting = { clusterId: 1n, memberId: 2n, incarnation: 3n };

beforeAll(async () => {
  if (!isOurs) return;
  cluster = await ProcessCluster.start();
  victim = await cluster.leader();
});
afterAll(() => cluster?.stop());

const STRANGERS: Record<string, readonly Uint8Array[]> = {
  'random bytes': [randomBytes(4_096)],
  'an HTTP request': [Buffer.from('GET /members HTTP/1.1\r\nHost: x\r\n\r\n')],
  'a TLS greeting': [Buffer.from('16030100c8010000c40303', 'hex'), randomBytes(200)],
  'another version': [preambleOf(4_000_000_000)],
  'a hello of nobody': [PREAMBLE, encodeHello({ purpose: 'messages', greeting, target: 0n })],
  'a hello that asks for the snapshot way': [PREAMBLE, encodeHello({ purpose: 'snapshot', greeting, target: 0n })],
  'a frame that says it has 4 GiB': [PREAMBLE, Buffer.from('ffffffff0000000004', 'hex'), LARGE],
  'a frame with a wrong checksum': [PREAMBLE, Buffer.from('0500000001020304010102030405', 'hex')],
  'a frame of no kind': [PREAMBLE, encodeFrame(200, 8, (writer) => writer.number(1))],
  'messages without a hello': [PREAMBLE, headerOf(KIND.messages, new Uint8Array(100)), new Uint8Array(100)],
  'chunks without end and without a hello': Array.from({ length: 40 }, () => LARGE),
};

for (const [what, bytes] of Object.entries(STRANGERS)) {
  const run = isOurs ? test : test.skip;
  run(
    `${what} at the peer port ends that connection, and nothing else`,
    async () => {
      const before = residentBytes(victim);
      const { term } = await cluster.asking(victim).status();

      await Promise.all(Array.from({ length: 10 }, () => speak(bytes)));

      expect(victim.isRunning).toBe(true);
      expect(residentBytes(victim) - before).toBeLessThan(GROWTH_BYTES_MAX);
      expect(await writesGoOn([victim])).toBeLessThan(1_000);
      expect((await cluster.asking(victim).status()).term).toBe(term);
    },
    60_000,
  );
}

(isOurs ? test : test.skip)(
  'connections that say nothing, or stop half-way, are let go of, and all members agree',
  async () => {
    const hello = encodeHello({ purpose: 'messages', greeting, target: 0n });
    const halves = [Buffer.alloc(0), PREAMBLE.subarray(0, 5), Buffer.concat([PREAMBLE, hello.subarray(0, 12)])];
    await Promise.all(Array.from({ length: 30 }, (_, at) => speak([halves[at % 3] as Buffer])));

    expect(await writesGoOn([victim])).toBeLessThan(1_000);
    await membersAgree(cluster);
  },
  60_000,
);

/** Says it, and waits until the other end hangs up. */
function speak(bytes: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(Number(new URL(victim.spec.listenPeerUrl).port), '127.0.0.1');
    const patience = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the member still listens to a stranger after ${GIVEN_UP_MS} ms`));
    }, GIVEN_UP_MS);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(patience);
      resolve();
    });
    socket.resume();
    for (const part of bytes) socket.write(part);
  });
}

function residentBytes({ pid }: MemberProcess): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kilobytes) * 1_024;
}
