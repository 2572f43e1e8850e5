import { Channel, Client, connectivityState, credentials } from '@grpc/grpc-js';
import { onAbort } from '../base/abort.js';
import { UnavailableError } from '../base/errors.js';
import type { OpenedChannel } from './channel.js';
import { type ClientSettings, type EndpointAddress, nameOf } from './settings.js';
import { credentialsFor } from './tls.js';
import { hintOf, tlsFailure } from './tls-failure.js';

/** Opens a channel of grpc-js; as every `OpenChannel`. */
export async function openGrpcChannel(
  address: EndpointAddress,
  settings: ClientSettings,
  signal: AbortSignal,
): Promise<OpenedChannel> {
  const name = nameOf(address);
  const channel = new Channel(name, credentialsFor(address.tls, settings), {
    // One connection a store, and none of grpc-js's repetitions: only the caller knows what may be sent twice.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': settings.keepAliveMs,
    'grpc.keepalive_timeout_ms': settings.keepAliveTimeoutMs,
    ...(typeof address.tls === 'object' && address.tls.serverName !== undefined
      ? { 'grpc.ssl_target_name_override': address.tls.serverName, 'grpc.default_authority': address.tls.serverName }
      : {}),
  });
  try {
    await untilReady(channel, address, settings, signal);
  } catch (error) {
    channel.close();
    throw error;
  }
  return { carrier: clientOf(channel, name), onLost: (callback) => whenNotReady(channel, callback) };
}

function untilReady(
  channel: Channel,
  address: EndpointAddress,
  settings: ClientSettings,
  signal: AbortSignal,
): Promise<void> {
  const name = nameOf(address);
  const hasTls = address.tls !== undefined && address.tls !== false;
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      timer.cancel();
      stopListening();
      if (error) reject(error);
      else resolve();
    };
    const stopListening = onAbort(signal, () => settle(signal.reason as Error));
    const timer = settings.clock.after(settings.connectTimeoutMs, () =>
      settle(new UnavailableError(`${name} could not be reached within ${settings.connectTimeoutMs} ms`)),
    );
    const look = () => {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return settle();
      if (state === connectivityState.SHUTDOWN) return;
      if (state === connectivityState.TRANSIENT_FAILURE) {
        return void whyNot(channel, name).then((why) =>
          settle(
            tlsFailure(name, why) ?? new UnavailableError(`${name} could not be reached: ${why}${hintOf(why, hasTls)}`),
          ),
        );
      }
      channel.watchConnectivityState(state, Infinity, look);
    };
    look();
  });
}

/** A channel tells what went wrong only to a call. This one cannot be sent. */
function whyNot(channel: Channel, name: string): Promise<string> {
  const nothing = () => Buffer.alloc(0);
  return new Promise((resolve) => {
    clientOf(channel, name).makeUnaryRequest('/', nothing, nothing, {}, (error) => resolve(error?.details ?? ''));
  });
}

/** The channel has the credentials; the ones given here go unused. */
function clientOf(channel: Channel, name: string): Client {
  return new Client(name, credentials.createInsecure(), { channelOverride: channel });
}

function whenNotReady(channel: Channel, callback: () => void): void {
  if (channel.getConnectivityState(false) !== connectivityState.READY) return callback();
  channel.watchConnectivityState(connectivityState.READY, Infinity, callback);
}
