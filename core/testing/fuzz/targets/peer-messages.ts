import { boundOf, readAnnouncement, readMessages, writeMessage } from '../../../peer/codec.js';
import type { PeerMessage } from '../../../peer/types.js';
import { MalformedError } from '../../../peer/wire-reader.js';
import { WireWriter } from '../../../peer/wire-writer.js';
import { codecTarget } from '../codec-target.js';
import { drawAnnouncement, drawPeerMessage, FROM, TO } from '../draw/peer-messages.js';

function written(messages: readonly PeerMessage[]): Buffer {
  const bytes = Buffer.alloc(messages.reduce((sum, message) => sum + boundOf(message), 0));
  const writer = new WireWriter(bytes);
  for (const message of messages) writeMessage(writer, message);
  return bytes.subarray(0, writer.at);
}

/** The body of a frame of messages. */
export const peerMessages = codecTarget('peer-messages', 'the messages in a frame of another member', {
  draw: (chance) => [drawPeerMessage(chance), ...chance.list(4, () => drawPeerMessage(chance))],
  encode: written,
  decode: (bytes) => readMessages(bytes, FROM, TO),
  refusals: [MalformedError],
});

/** The body of the frame that announces a snapshot. */
export const announcement = codecTarget('announcement', 'the announcement of a snapshot', {
  draw: drawAnnouncement,
  encode: (message) => written([message]),
  decode: (bytes) => readAnnouncement(bytes, FROM, TO),
  refusals: [MalformedError],
});
