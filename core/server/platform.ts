import type { Backend } from '../backend/backend.js';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Prng } from '../base/prng.js';
import { queryMembers, type QueryOptions } from '../peer/query.js';
import { type PeersOptions, startPeers } from '../peer/transport.js';
import type { Member } from '../member/member.js';
import type { PeerTransport } from '../peer/types.js';
import type { GrpcServer, ServeOptions } from '../rpc/grpc-carrier.js';
import type { HttpAccess } from '../rpc/http/access.js';
import type { Disk } from '../wal/disk.js';
import { nodeDisk } from '../wal/node-disk.js';
import type { Assembled } from './assemble.js';
import { type DataLock, lockDataFolder } from './data-lock.js';
import { type ClientFace, clientFace } from './client-http.js';
import { checkAccess } from './folder-access.js';
import type { Settings } from './settings.js';

/**
 * What a member meets in the world beside time and chance: a disk, an engine on it, and others to talk to. A simulation
 * has its own; so a member there starts, stops and crashes by the very same code.
 */
export interface Platform {
  readonly disk: Disk;
  /** Takes a data folder for one store at a time. @throws {@link DataDirError} `DATA_DIR_LOCKED` if another has it */
  lock(folder: string, surroundings: { readonly prng: Prng; readonly clock: Clock }): Promise<DataLock>;
  /** Checks that the process may use a folder. @throws {@link DataDirError} if it may not */
  checkAccess(folder: string, logger: Logger): Promise<void>;
  /** Opens the engine in a folder, which is made if only it itself is missing. @throws {@link DataDirError} */
  openEngine(options: EngineOptions): Promise<Backend>;
  /** Listens for other members. */
  startPeers(options: PeersOptions): Promise<PeerTransport>;
  /** Asks the member behind a URL who is in its cluster. */
  queryMembers(url: string, options: QueryOptions): Promise<Uint8Array>;
  /** Listens for clients. */
  serve(options: ServeOptions): Promise<GrpcServer>;
  /** What clients are served with beside gRPC. Absent where there is no HTTP. */
  clientFace?(member: Member, settings: Settings, access: HttpAccess): Promise<ClientFace>;
  /** Told of a member before its first turn, so that a simulation can watch it from then on. */
  assembled?(parts: Assembled): void;
}

/** How an engine is opened. */
export interface EngineOptions {
  /** Its folder. */
  readonly path: string;
  /** Bytes that were applied and are not yet in the engine, above which writers wait. */
  readonly overlayBytesMax: number;
  readonly clock: Clock;
}

/** The machine that this process runs on. LMDB and gRPC are loaded only by those who need them. */
export const thisMachine: Platform = {
  disk: nodeDisk,
  lock: lockDataFolder,
  checkAccess,
  async openEngine(options) {
    const { openLmdbBackend } = await import('../backend/lmdb-backend.js');
    return openLmdbBackend(options);
  },
  startPeers,
  queryMembers,
  async serve(options) {
    const { serveGrpc } = await import('../rpc/grpc-carrier.js');
    return serveGrpc(options);
  },
  clientFace,
};
