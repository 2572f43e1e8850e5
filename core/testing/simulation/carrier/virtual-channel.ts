import {
  type ChannelInterface,
  Client,
  connectivityState,
  credentials,
  Metadata,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import type { Call, InterceptingListener, MessageContext } from '@grpc/grpc-js/build/src/call-interface.js';
import { onAbort } from '../../../base/abort.js';
import { UnavailableError } from '../../../base/errors.js';
import type { OpenChannel, OpenedChannel } from '../../../client/channel.js';
import { type ClientSettings, nameOf } from '../../../client/settings.js';
import type { ConnectionEnd } from '../network/connection-end.js';
import type { VirtualNetwork } from '../network/virtual-network.js';
import type { Life } from '../process/virtual-process.js';
import { type Frame, FrameSender } from './frames.js';
import { KeepAlive } from './keep-alive.js';
import { MessageFlow } from './message-flow.js';

/** How the stores of one run of a process reach their endpoints: grpc-js's own client, over the virtual network. */
export function virtualChannels(network: VirtualNetwork, life: Life): OpenChannel {
  return (address, settings, signal) =>
    new Promise((resolve, reject) => {
      const name = nameOf(address);
      const settle = (outcome: OpenedChannel | Error) => {
        timer.cancel();
        stopListening();
        giveUp();
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      const unreachable = (why: string) => settle(new UnavailableError(`${name} could not be reached${why}`));
      const { connectTimeoutMs } = settings;
      const timer = settings.clock.after(connectTimeoutMs, () => unreachable(` within ${connectTimeoutMs} ms`));
      const stopListening = onAbort(signal, (reason) => settle(reason as Error));
      const giveUp = network.connect(life, address, {
        onOpen: (end) => settle(opened(new VirtualChannel(end, name, settings))),
        onRefused: () => unreachable(`: connect ECONNREFUSED ${name}`),
      });
    });
}

function opened(channel: VirtualChannel): OpenedChannel {
  const carrier = new Client(channel.name, credentials.createInsecure(), { channelOverride: channel });
  return { carrier, onLost: (callback) => channel.onLost(callback) };
}

/** A channel of grpc-js over one virtual connection. It never reconnects. */
class VirtualChannel implements ChannelInterface {
  readonly name: string;
  readonly #end: ConnectionEnd;
  readonly sender: FrameSender;
  readonly #calls = new Map<number, VirtualCall>();
  readonly #keepAlive: KeepAlive;
  #callCount = 0;
  #isLost = false;
  #onLost: () => void = () => undefined;

  constructor(end: ConnectionEnd, name: string, { clock, keepAliveMs, keepAliveTimeoutMs }: ClientSettings) {
    this.name = name;
    this.#end = end;
    this.sender = new FrameSender(end);
    this.#keepAlive = new KeepAlive({
      clock,
      everyMs: keepAliveMs,
      timeoutMs: keepAliveTimeoutMs,
      isNeeded: () => this.#calls.size > 0,
      ping: () => this.sender.send({ type: 'ping' }),
      onSilence: () => this.#lost(),
    });
    end.events = {
      onReceive: (frames) => (frames as readonly Frame[]).forEach((frame) => this.#receive(frame)),
      onClose: () => this.#lost(),
    };
  }

  onLost(callback: () => void): void {
    if (this.#isLost) callback();
    else this.#onLost = callback;
  }

  createCall(path: string): VirtualCall {
    this.#callCount += 1;
    const call = new VirtualCall(this.#callCount, path, this);
    if (!this.#isLost) this.#calls.set(this.#callCount, call);
    this.#keepAlive.needed();
    return call;
  }

  /** Whether calls can be made. */
  get isUsable(): boolean {
    return !this.#isLost;
  }

  /** A call is over. */
  ended(id: number): void {
    this.#calls.delete(id);
  }

  close(): void {
    this.#onLost = () => undefined;
    this.#lost();
  }

  getTarget(): string {
    return this.name;
  }

  getConnectivityState(): connectivityState {
    return this.#isLost ? connectivityState.SHUTDOWN : connectivityState.READY;
  }

  watchConnectivityState(): never {
    throw new Error('who uses a virtual channel is told when it is lost');
  }

  getChannelzRef(): never {
    throw new Error('a virtual channel has no channelz');
  }

  #receive(frame: Frame): void {
    if (frame.type === 'goodbye') return this.#goodbye();
    if (frame.type === 'pong') return this.#keepAlive.answered();
    if (frame.type === 'ping') return this.sender.send({ type: 'pong' });
    this.#calls.get(frame.id)?.receive(frame);
  }

  /** What is under way may still be answered. */
  #goodbye(): void {
    this.#isLost = true;
    this.#tellLost();
  }

  #lost(): void {
    this.#isLost = true;
    this.#keepAlive.stop();
    this.#end.close();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.disconnected();
    this.#tellLost();
  }

  #tellLost(): void {
    const tell = this.#onLost;
    this.#onLost = () => undefined;
    tell();
  }
}

/** A call as grpc-js makes it, below its interceptors. */
class VirtualCall implements Call {
  readonly #id: number;
  readonly #path: string;
  readonly #channel: VirtualChannel;
  readonly #flow: MessageFlow;
  #listener: InterceptingListener | undefined;
  /** How it ended, told once everything before has been read. */
  #status: StatusObject | undefined;
  #isOver = false;

  constructor(id: number, path: string, channel: VirtualChannel) {
    this.#id = id;
    this.#path = path;
    this.#channel = channel;
    this.#flow = new MessageFlow(
      id,
      channel.sender,
      (bytes) => this.#listener?.onReceiveMessage(bytes),
      () => this.#tellStatus(),
    );
  }

  start(metadata: Metadata, listener: InterceptingListener): void {
    this.#listener = listener;
    if (!this.#channel.isUsable) return this.#end(status.UNAVAILABLE, 'No connection established');
    this.#channel.sender.send({ type: 'call', id: this.#id, path: this.#path, metadata: metadata.clone() });
  }

  sendMessageWithContext({ callback }: MessageContext, message: Buffer): void {
    if (this.#isOver) return void process.nextTick(() => callback?.());
    this.#flow.send(message, callback);
  }

  startRead(): void {
    this.#flow.read();
  }

  halfClose(): void {
    if (!this.#isOver) this.#flow.drained(() => this.#channel.sender.send({ type: 'end', id: this.#id }));
  }

  cancelWithStatus(code: status, details: string): void {
    if (this.#isOver) return;
    this.#channel.sender.send({ type: 'cancel', id: this.#id });
    this.#end(code, details);
  }

  getPeer(): string {
    return this.#channel.name;
  }

  getCallNumber(): number {
    return this.#id;
  }

  setCredentials(): void {}

  getAuthContext(): null {
    return null;
  }

  receive(frame: Frame): void {
    if (frame.type === 'message') this.#flow.arrived(frame.bytes);
    else if (frame.type === 'window') this.#flow.opened(frame.bytes);
    else if (frame.type === 'status') this.#ended(frame.status);
  }

  disconnected(): void {
    this.#end(status.UNAVAILABLE, 'Connection dropped');
  }

  #ended(ending: StatusObject): void {
    if (ending.code !== status.OK) return this.#end(ending.code, ending.details);
    this.#status = ending;
    this.#flow.ended();
  }

  #end(code: status, details: string): void {
    if (this.#isOver) return;
    this.#status = { code, details, metadata: new Metadata() };
    this.#tellStatus();
  }

  #tellStatus(): void {
    if (this.#isOver || this.#status === undefined) return;
    this.#isOver = true;
    this.#channel.ended(this.#id);
    const ending = this.#status;
    process.nextTick(() => this.#listener?.onReceiveStatus(ending));
  }
}
