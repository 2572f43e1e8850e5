import type { PeerTransport } from '../../peer/types.js';

/** A way to others who never say a word. */
export const SILENCE: PeerTransport = {
  urls: [],
  setPeers: () => undefined,
  send: () => undefined,
  sendSnapshot: () => Promise.reject(new Error('there is nobody else here')),
  isConnected: () => false,
  connectedSince: () => undefined,
  close: () => Promise.resolve(),
};
