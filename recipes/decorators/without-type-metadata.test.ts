import 'reflect-metadata';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { container, inject, injectable } from 'tsyringe';
import { z } from 'zod';
import { settle } from '../../core/testing/manual-clock.js';
import { BarrierQueue } from '../barrier-queue/barrier-queue.js';
import type { Delivery } from '../barrier-queue/delivery.js';
import { items } from '../barrier-queue/release.js';
import { ConfigWatcher } from '../config/config-watcher.js';
import { Election } from '../election/election.js';
import { currentHeld } from '../mutex/current-held.js';
import { Mutex } from '../mutex/mutex.js';
import { openWorld, type World } from '../testing/world.js';
import { start } from './app.js';
import { consumes, leaderOnly, locked, onConfig, value, whileLeader } from './member-decorators.js';
import { barrierQueue, configWatcher, election, mutex } from './recipe-decorators.js';

/* Nothing here is written with an @: it is what esbuild, and so tsx and Vitest, make of decorators. */

type Decorator = (target: object, member: string, descriptor?: PropertyDescriptor) => PropertyDescriptor | void;

/** The helper that those compilers emit, for a member. */
function decorateMember(decorators: readonly unknown[], target: object, member: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, member);
  let result = descriptor;
  for (const decorate of [...decorators].reverse() as Decorator[]) {
    result = (descriptor ? decorate(target, member, result) : void decorate(target, member)) ?? result;
  }
  if (result) Object.defineProperty(target, member, result);
}

const schema = z.object({ max: z.number() });

class Lock extends Mutex {}
mutex({ name: 'plain' })(Lock);
class Leaders extends Election<string> {}
election<string>({ name: 'plain' })(Leaders);
class Numbers extends BarrierQueue<number> {}
barrierQueue<number>({ name: 'plain', release: items(1) })(Numbers);
class Limits extends ConfigWatcher<typeof schema> {}
configWatcher({ name: 'plain', schema, initial: { max: 3 } })(Limits);

class Service {
  readonly taken: number[] = [];
  readonly told: number[] = [];
  terms = 0;
  readonly max!: number;

  constructor(
    readonly numbers: Numbers,
    readonly limits: Limits,
  ) {}

  async settle(tenant: string): Promise<string> {
    return `${tenant} under ${typeof currentHeld().fencingToken}`;
  }
  async take({ item }: Delivery<number>): Promise<void> {
    this.taken.push(item);
  }
  async lead(): Promise<void> {
    this.terms += 1;
  }
  async report(): Promise<string> {
    return 'reported';
  }
  limitsChanged({ current }: { current: { max: number } }): void {
    this.told.push(current.max);
  }
}
decorateMember([locked(Lock, (tenant: string) => tenant)], Service.prototype, 'settle');
decorateMember([consumes(Numbers)], Service.prototype, 'take');
decorateMember([whileLeader(Leaders)], Service.prototype, 'lead');
decorateMember([leaderOnly(Leaders)], Service.prototype, 'report');
decorateMember([onConfig(Limits, 'max')], Service.prototype, 'limitsChanged');
decorateMember([value(Limits, 'max')], Service.prototype, 'max');
inject(Numbers)(Service, undefined, 0);
inject(Limits)(Service, undefined, 1);
injectable()(Service);

let world: World;

beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

test('every decorator does its work', async () => {
  expect(Reflect.getMetadata('design:paramtypes', Service)).toBeUndefined();
  const child = container.createChildContainer();
  const recipes = [Lock, Leaders, Numbers, Limits];
  const app = await start(child, { store: world.store, services: [Service], recipes });
  const service = child.resolve(Service);

  await service.numbers.put(7);
  await service.limits.publish({ max: 4 });
  await settle();

  expect(await service.settle('a')).toBe('a under number');
  expect(service.settle).toHaveLength(1);
  expect(service.taken).toEqual([7]);
  expect(service.terms).toBe(1);
  expect(await service.report()).toBe('reported');
  expect(service.max).toBe(4);
  expect(service.told).toEqual([4]);
  const ending = app.dispose();
  await world.clock.advance(20_000);
  await ending;
});
