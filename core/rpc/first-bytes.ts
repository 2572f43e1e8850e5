import type { Duplex } from 'node:stream';

/** What a connection turns out to carry. */
export type Spoken = 'http2' | 'http1' | 'tls';

/** With these a client of HTTP/2 begins, TLS or not (RFC 9113, 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** With this every greeting of TLS begins (RFC 8446, 5.1: the content type of a handshake). No request of HTTP does. */
const TLS_HANDSHAKE = 0x16;

/** @returns undefined while that may still become one or the other */
export function spokenIn(bytes: Uint8Array): Spoken | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === TLS_HANDSHAKE) return 'tls';
  const compared = Math.min(bytes.length, PREFACE.length);
  if (PREFACE.compare(bytes, 0, compared, 0, compared) !== 0) return 'http1';
  return compared === PREFACE.length ? 'http2' : undefined;
}

/**
 * Reads what a connection begins with, and puts it back: whoever takes the connection finds it as if it had just been
 * accepted. A decision takes 24 bytes at most, and what has arrived in one read with them.
 *
 * @param onSpoken - called once; not at all if the connection ends before
 * @returns gives up
 */
export function listenToFirstBytes(socket: Duplex, onSpoken: (spoken: Spoken) => void): () => void {
  let heard: Buffer = Buffer.alloc(0);
  const stop = () => void socket.off('readable', read).off('end', end);
  const read = () => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    heard = heard.length === 0 ? bytes : Buffer.concat([heard, bytes]);
    const spoken = spokenIn(heard);
    if (spoken === undefined) return;
    stop();
    socket.unshift(heard);
    onSpoken(spoken);
  };
  // Half a preface, and nothing more will come.
  const end = () => void socket.destroy();
  socket.on('readable', read).on('end', end);
  return stop;
}
