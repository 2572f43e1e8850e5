import { boundOf, writeMessage } from './codec.js';
import { encodeFrame, FRAME_HEADER_BYTES, KIND } from './frame.js';
import type { PeerMessage } from './types.js';

/**
 * The frames of one `send`: one, unless they would be larger than a frame may be. A message that alone is too large is
 * given as it is; the queue does not take it.
 */
export function framesOf(messages: readonly PeerMessage[], frameBytesMax: number): Buffer[] {
  const bodyBytesMax = frameBytesMax - FRAME_HEADER_BYTES;
  const frames: Buffer[] = [];
  let from = 0;
  let bytes = 0;
  for (let at = 0; at < messages.length; at += 1) {
    const bound = boundOf(messages[at] as PeerMessage);
    if (bytes + bound > bodyBytesMax && at > from) {
      frames.push(frameOf(messages, from, at, bytes));
      from = at;
      bytes = 0;
    }
    bytes += bound;
  }
  if (messages.length > from) frames.push(frameOf(messages, from, messages.length, bytes));
  return frames;
}

function frameOf(messages: readonly PeerMessage[], from: number, to: number, bodyBytesMax: number): Buffer {
  return encodeFrame(KIND.messages, bodyBytesMax, (writer) => {
    for (let at = from; at < to; at += 1) writeMessage(writer, messages[at] as PeerMessage);
  });
}
