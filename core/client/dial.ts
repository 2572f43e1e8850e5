import { Connection, type ConnectionEvents } from './connection.js';
import { openGrpcChannel } from './grpc-channel.js';
import type { ClientSettings, EndpointAddress } from './settings.js';

/**
 * Opens a connection to one endpoint.
 *
 * @throws {@link UnavailableError} if it cannot be reached within `connectTimeoutMs`
 * @throws the signal's reason if it aborts
 */
export async function dial(
  address: EndpointAddress,
  settings: ClientSettings,
  events: ConnectionEvents,
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted();
  const { openChannel = openGrpcChannel } = settings;
  const { carrier, onLost } = await openChannel(address, settings, signal);
  const connection = new Connection(carrier, address, settings, events);
  onLost(() => connection.lost('the connection was lost'));
  return connection;
}
