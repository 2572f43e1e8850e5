import { connect } from 'node:net';

/** How long what was sent is left to work, if the other end does not end the connection before. */
const LINGER_MS = 15;

/**
 * Connects, and sends it all.
 *
 * @returns whether the other end has closed it
 */
export function sendBytes(address: { readonly host: string; readonly port: number }, input: Buffer): Promise<boolean> {
  const socket = connect(address);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(false);
    }, LINGER_MS);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(true);
    });
    socket.resume();
    socket.write(input);
  });
}
