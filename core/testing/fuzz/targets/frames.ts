import { checksumOf, encodeFrame, FRAME_HEADER_BYTES, KIND, PREAMBLE, PREAMBLE_BYTES } from '../../../peer/frame.js';
import { FrameReader } from '../../../peer/frame-reader.js';
import { MalformedError } from '../../../peer/wire-reader.js';
import type { Chance } from '../chance.js';
import { assertSame, refusedOr } from '../codec-target.js';
import { Finding, type FuzzTarget } from '../target.js';

const BODY_BYTES_MAX = 4_096;

interface Frame {
  readonly kind: number;
  readonly body: Buffer;
}

function drawFrames(chance: Chance): readonly Frame[] {
  const draw = () => ({
    kind: chance.pick(Object.values(KIND)),
    body: chance.bytes(chance.pick([0, 40, BODY_BYTES_MAX])),
  });
  return [draw(), ...chance.list(5, draw)];
}

function written(frames: readonly Frame[]): Buffer {
  const bytes = frames.map(({ kind, body }) => encodeFrame(kind, body.length, (writer) => writer.raw(body)));
  return Buffer.concat([PREAMBLE, ...bytes]);
}

/** Cuts a stream of bytes into frames; each cut ends a chunk. */
function read(bytes: Buffer, cuts: readonly number[]): readonly Frame[] {
  const frames: Frame[] = [];
  const onFrame = (kind: number, body: Buffer) => {
    if (body.length > BODY_BYTES_MAX) throw new Finding(`a frame of ${body.length} bytes was handed out`);
    frames.push({ kind, body: Buffer.from(body) });
  };
  const reader = new FrameReader(BODY_BYTES_MAX, { onPreamble: () => {}, onFrame });
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    reader.push(Buffer.from(bytes.subarray(from, cut)));
    from = cut;
  }
  return frames;
}

/** Writes the checksum of every frame that is there as a whole. */
function seal(input: Buffer): Buffer {
  const sealed = Buffer.from(input);
  for (let at = PREAMBLE_BYTES; at + FRAME_HEADER_BYTES <= sealed.length;) {
    const end = at + FRAME_HEADER_BYTES + sealed.readUInt32LE(at);
    if (end > sealed.length) break;
    sealed.writeUInt32LE(checksumOf(sealed[at + 8] as number, sealed.subarray(at + FRAME_HEADER_BYTES, end)), at + 4);
    at = end;
  }
  return sealed;
}

/** The bytes of a connection between members, in chunks that end anywhere. */
export const frames: FuzzTarget = {
  name: 'frames',
  what: 'the bytes of a connection between members',
  draw: (chance) => {
    const drawn = drawFrames(chance);
    const input = written(drawn);
    return {
      input,
      check: () => assertSame(read(input, cutsOf(input, chance)), drawn, 'frames are read as they were written'),
    };
  },
  seal,
  judge: (input, _origin, chance) => {
    const whole = refusedOr(() => read(input, []), [MalformedError]);
    const inParts = refusedOr(() => read(input, cutsOf(input, chance)), [MalformedError]);
    assertSame(inParts?.value, whole?.value, 'how bytes are cut into chunks makes no difference');
    return whole === undefined ? 'refused' : 'read';
  },
};

function cutsOf({ length }: Buffer, chance: Chance): readonly number[] {
  return chance.list(12, () => chance.between(0, length)).sort((a, b) => a - b);
}
