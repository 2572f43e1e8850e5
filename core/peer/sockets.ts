import { createServer, type Server, type Socket } from 'node:net';
import { type DialTls, type Endpoint, openSocket } from './address.js';

/** What the transport asks of the operating system's network. A simulation has a network of its own. */
export interface Sockets {
  /** Begins to connect. @param onConnected - called when bytes may be sent, TLS's own greeting done */
  connect(endpoint: Endpoint, tls: DialTls | undefined, onConnected: () => void): Socket;
  createServer(onConnection: (socket: Socket) => void): Server;
}

/** TCP, and TLS over it. */
export const systemSockets: Sockets = { connect: openSocket, createServer };
