import type { Clock } from '../base/clock.js';
import { systemClock } from '../base/system-clock.js';
import type { Backend } from './backend.js';
import { LmdbEngine } from './lmdb-engine.js';
import { OverlayBackend } from './overlay-backend.js';
import { RewritableEngine } from './rewritable-engine.js';

const OVERLAY_BYTES_MAX = 32 * 1024 * 1024;

export interface LmdbBackendOptions {
  /** The database's folder. It is made if only it itself is missing. One process may have it open at a time. */
  readonly path: string;
  /** From how many bytes not yet in the database on the backend is `overfull`. Default: 32 MiB. */
  readonly overlayBytesMax?: number;
  /** Tells when to write what has gathered. Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * A backend on LMDB: durable when {@link Backend.flush} says so, and after a crash as of some finished transaction.
 *
 * @throws {@link DataDirError} if the database cannot be opened or made
 */
export function openLmdbBackend(options: LmdbBackendOptions): Backend {
  const { path, overlayBytesMax = OVERLAY_BYTES_MAX, clock = systemClock } = options;
  const open = async (at: string) => new LmdbEngine(at);
  return new OverlayBackend(new RewritableEngine(new LmdbEngine(path), open, clock), overlayBytesMax, clock);
}
