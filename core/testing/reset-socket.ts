import type { Socket } from 'node:net';

/**
 * Breaks a connection with a reset. One whose own end is just being sent is closed without: Node 20 loses a socket that is
 * reset in that moment (libuv refuses, https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_close_reset), it is never closed,
 * and the process does not end.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
