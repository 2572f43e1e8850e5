import { silentLogger } from '../../../base/logger.js';
import { seededPrng } from '../../../base/prng.js';
import { PREAMBLE } from '../../../peer/frame.js';
import { encodeHello } from '../../../peer/greeting.js';
import { framesOf } from '../../../peer/message-frames.js';
import { FakeHandler } from '../../../peer/testing/fake-handler.js';
import { startPeers } from '../../../peer/transport.js';
import type { Greeting, PeerTransport } from '../../../peer/types.js';
import { ManualClock } from '../../manual-clock.js';
import type { Chance } from '../chance.js';
import { drawPeerMessage, FROM, TO } from '../draw/peer-messages.js';
import { sendBytes } from '../send-bytes.js';
import { Finding, type FuzzTarget } from '../target.js';
import { frames } from './frames.js';

const CLUSTER_ID = 0xc1n;
const FRAME_BYTES_MAX = 64 * 1024;
const OTHER: Greeting = { clusterId: CLUSTER_ID, memberId: FROM, incarnation: 70n };

/** A transport that listens, and what it was told. */
interface Scene {
  readonly peers: PeerTransport;
  readonly handler: FakeHandler;
  readonly address: { readonly host: string; readonly port: number };
}

async function open(): Promise<Scene> {
  const handler = new FakeHandler();
  const peers = await startPeers({
    greeting: { clusterId: CLUSTER_ID, memberId: TO, incarnation: 90n },
    listen: [{ host: '127.0.0.1', port: 0 }],
    handler,
    clock: new ManualClock(),
    prng: seededPrng(1),
    logger: silentLogger,
    limits: { frameBytesMax: FRAME_BYTES_MAX },
  });
  return { peers, handler, address: { host: '127.0.0.1', port: Number(new URL(peers.urls[0] as string).port) } };
}

let scene: Promise<Scene> | undefined;

function drawConnection(chance: Chance): Buffer {
  const purpose = chance.oneIn(4) ? chance.pick(['snapshot', 'members'] as const) : 'messages';
  const hello = encodeHello({
    purpose,
    greeting: chance.oneIn(8) ? { ...OTHER, memberId: chance.id() } : OTHER,
    target: TO,
  });
  const messages = chance.list(6, () => drawPeerMessage(chance));
  return Buffer.concat([PREAMBLE, hello, ...framesOf(messages, FRAME_BYTES_MAX)]);
}

/** Somebody else is heard as ever. */
async function assertServes({ address, handler }: Scene): Promise<void> {
  const heartbeat = { type: 'heartbeat', from: FROM, to: TO, term: 1, commitIndex: 4_711, readRound: 0 } as const;
  const hello = encodeHello({ purpose: 'messages', greeting: OTHER, target: TO });
  handler.frames.length = 0;
  await sendBytes(address, Buffer.concat([PREAMBLE, hello, ...framesOf([heartbeat], FRAME_BYTES_MAX)]));
  const isHeard = handler.frames.some(({ messages }) => messages.some(({ type }) => type === 'heartbeat'));
  if (!isHeard) throw new Finding('another member is heard no more');
}

/** A connection to the port for members on which anything arrives: it may end, and other members notice nothing. */
export const peerPort: FuzzTarget = {
  name: 'peer-port',
  what: "the bytes of a connection to a member's port for members",
  asks: true,
  inputsPerSecond: 30,
  timeMsMax: 10_000,
  allocatedBytesMax: (inputBytes) => 8 * 1024 * 1024 + 512 * inputBytes,
  draw: (chance) => ({ input: drawConnection(chance) }),
  seal: (input) => frames.seal?.(input),
  judge: async (input) => {
    const opened = await (scene ??= open());
    const isEnded = await sendBytes(opened.address, input);
    for (const kept of [opened.handler.greeted, opened.handler.snapshots]) kept.length = 0;
    await assertServes(opened);
    return isEnded ? 'refused' : 'read';
  },
  close: async () => {
    const opened = await scene;
    scene = undefined;
    await opened?.peers.close();
  },
};
