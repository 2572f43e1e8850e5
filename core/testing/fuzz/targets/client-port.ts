import type { Chance } from '../chance.js';
import { MemberScene } from '../member-scene.js';
import { sendBytes } from '../send-bytes.js';
import type { FuzzTarget } from '../target.js';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const FRAME_TYPES = 11;
/** `:method POST`, `:scheme http`, and the path of a call, as HPACK writes them without a table. */
const HEADERS = Buffer.concat([
  Buffer.of(0x83, 0x86),
  Buffer.of(0x04, 23),
  Buffer.from('/etcdserverpb.KV/Range '.slice(0, 23), 'latin1'),
]);

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** Settings, and a call or several; between them frames of every kind, on streams of every number. */
function drawConnection(chance: Chance): Buffer {
  const frames = chance.list(20, () => {
    const stream = chance.oneIn(3)
      ? 0
      : chance.oneIn(8)
        ? chance.between(0, 2 ** 31 - 1)
        : 2 * chance.between(0, 4) + 1;
    if (chance.oneIn(3)) return frame(1, chance.pick([0, 1, 4, 5]), stream, HEADERS);
    if (chance.oneIn(3))
      return frame(0, chance.between(0, 1), stream, Buffer.concat([Buffer.alloc(5), chance.bytes(60)]));
    return frame(chance.between(0, FRAME_TYPES), chance.between(0, 255), stream, chance.bytes(80));
  });
  return Buffer.concat([PREFACE, frame(4, 0, 0, Buffer.alloc(0)), ...frames]);
}

let scene: Promise<MemberScene> | undefined;

/** A connection on which anything arrives: it may end, and nobody else notices. */
export const clientPort: FuzzTarget = {
  name: 'client-port',
  what: "the bytes of a connection to a member's port for clients",
  asks: true,
  inputsPerSecond: 50,
  timeMsMax: 10_000,
  allocatedBytesMax: () => 64 * 1024 * 1024,
  draw: (chance) => ({ input: drawConnection(chance) }),
  judge: async (input) => {
    const open = await (scene ??= MemberScene.open());
    const isEnded = await sendBytes(open.address, input);
    await open.check();
    return isEnded ? 'refused' : 'read';
  },
  close: async () => {
    const open = await scene;
    scene = undefined;
    await open?.close();
  },
};
