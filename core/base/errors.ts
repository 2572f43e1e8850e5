/** Everything that can go wrong in operation, as classes with a stable code; grouped by what it is about. */
export { CoordinationError, hasCode, type Retry } from './coordination-error.js';
export * from './auth-errors.js';
export * from './cluster-errors.js';
export * from './disk-errors.js';
export * from './request-errors.js';
