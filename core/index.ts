/** `conclave/core`: the store by itself, to open, to connect to, and to write recipes against. */
export { type ConnectOptions, connect } from './connect.js';
export { EmbeddedStore, type StoreStatus } from './embedded/embedded-store.js';
export { type OpenOptions, open, type PrefixQuota, type RateLimit } from './embedded/open.js';

export type * from './store.js';
export * from './txn.js';

export { type BytesLike, compareBytes, equalBytes, toBytes, toText } from './base/bytes.js';
export { type Clock, sleep, type Timer } from './base/clock.js';
export { type Duration, toMilliseconds } from './base/duration.js';
export * from './base/errors.js';
export { contains, everything, fromKey, key, prefix, range } from './base/key-range.js';
export * from './base/key-value.js';
export { LIMITS } from './base/limits.js';
export { type Logger, silentLogger } from './base/logger.js';
export type * from './base/operation.js';
export { type Prng, seededPrng } from './base/prng.js';
export { systemClock } from './base/system-clock.js';
