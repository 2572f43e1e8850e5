/**
 * `conclave`: the recipes, the decorators that configure them, errors, and `connect`. The store itself, its words for
 * transactions and ranges, and how to open one of your own are in `conclave/core`.
 */
import 'reflect-metadata';

export { container, inject, injectable, singleton } from 'tsyringe';
export { connect, type ConnectOptions } from '../core/connect.js';
export type { Duration } from '../core/base/duration.js';
export * from '../core/base/errors.js';
export type { Logger } from '../core/base/logger.js';
export type { Store } from '../core/store.js';

export * from './errors.js';
export type { Held } from './held.js';
export type { Metadata } from './metadata.js';
export { Session, type SessionEvents, type SessionOptions, type SessionState } from './session/session.js';
export type { WaitOptions } from './wait.js';

export { currentHeld } from './mutex/current-held.js';
export { type AcquireOptions, Mutex, type MutexEvents, type MutexOptions, type MutexView } from './mutex/mutex.js';
export {
  type CampaignOptions,
  type Candidate,
  Election,
  type ElectionEvents,
  type ElectionOptions,
  type Leader,
  type LeadOptions,
} from './election/election.js';
export type { Leadership } from './election/leadership.js';
export type { Place } from './line/place.js';

export {
  BarrierQueue,
  type BarrierQueueEvents,
  type BarrierQueueOptions,
  type PutItemOptions,
} from './barrier-queue/barrier-queue.js';
export type { DeadLetter } from './barrier-queue/dead-letters.js';
export type { Delivery, NackOptions } from './barrier-queue/delivery.js';
export * from './barrier-queue/errors.js';
export type { PutAnswer } from './barrier-queue/producer.js';
export { all, any, item, items, key, linger, manual, type Release } from './barrier-queue/release.js';
export type { Handler, RunOptions } from './barrier-queue/runner.js';
export type { QueueStatus } from './barrier-queue/status.js';

export * from './registry/errors.js';
export type { Instance, InstanceUpdate, Override, ServiceInstance } from './registry/instance.js';
export type { EjectOptions } from './registry/outliers.js';
export type { Picked } from './registry/picked.js';
export type { ConflictPolicy, RegisterOptions, Registration, RegistrationState } from './registry/registration.js';
export { ServiceRegistry, type ServiceRegistryOptions } from './registry/service-registry.js';
export type { PickOptions, ServiceView, ViewChange } from './registry/service-view.js';
export { leastLoaded, random, roundRobin, sticky, type Strategy, weighted } from './registry/strategies.js';

export {
  type ConfigChange,
  type ConfigEvents,
  ConfigWatcher,
  type ConfigWatcherOptions,
  type InstanceReport,
  type PublishOptions,
} from './config/config-watcher.js';
export type { PathChange } from './config/document.js';
export * from './config/errors.js';
export type { Release as ConfigRelease } from './config/release.js';

export { Mirror, type MirrorObserver, type MirrorOptions } from './mirror/mirror.js';
export type { Change, Diff, MirrorChange, MirrorDiff, MirrorEntry } from './mirror/diff.js';

export { App, type AppEvents, start, type StartOptions } from './decorators/app.js';
export * from './decorators/errors.js';
export {
  consumes,
  type ConsumesOptions,
  leaderOnly,
  locked,
  type LockedOptions,
  onConfig,
  value,
  whileLeader,
} from './decorators/member-decorators.js';
export {
  barrierQueue,
  configWatcher,
  election,
  mutex,
  type RecipeConstructor,
  serviceRegistry,
} from './decorators/recipe-decorators.js';
export { bypass } from './decorators/runtime.js';
export { STORE } from './decorators/store-token.js';
