import type { InstallSnapshotRequest, MemberId } from '../../raft/types.js';
import type { Greeting, PeerHandler, PeerMessage, Refused } from '../types.js';

/** A member that welcomes everybody and writes down what it is told. Tests replace what should be otherwise. */
export class FakeHandler implements PeerHandler {
  readonly frames: { readonly from: MemberId; readonly messages: readonly PeerMessage[] }[] = [];
  readonly gone: MemberId[] = [];
  readonly unreachable: MemberId[] = [];
  readonly refused: { readonly by: MemberId; readonly refused: Refused }[] = [];
  readonly greeted: Greeting[] = [];
  readonly snapshots: Uint8Array[] = [];
  /** What it says of whoever is at the other end. */
  judge: (greeting: Greeting) => Refused | undefined = () => undefined;
  /** What it does with a snapshot; by default it keeps the bytes. */
  receive: (chunks: AsyncIterable<Uint8Array>, announcement: InstallSnapshotRequest) => Promise<void> = async (
    chunks,
  ) => {
    this.snapshots.push(await bytesOf(chunks));
  };
  membersBytes: Uint8Array = Buffer.from('{"members":[]}');

  accept(greeting: Greeting): Refused | undefined {
    this.greeted.push(greeting);
    return this.judge(greeting);
  }

  members(): Uint8Array {
    return this.membersBytes;
  }

  onMessages(from: MemberId, messages: readonly PeerMessage[]): void {
    this.frames.push({ from, messages });
  }

  onSnapshot(_from: MemberId, announcement: InstallSnapshotRequest, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.receive(chunks, announcement);
  }

  onGone(id: MemberId): void {
    this.gone.push(id);
  }

  onUnreachable(id: MemberId): void {
    this.unreachable.push(id);
  }

  onRefused(by: MemberId, refused: Refused): void {
    this.refused.push({ by, refused });
  }
}

/** All chunks as one. */
export async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
