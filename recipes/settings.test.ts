import { expect, test } from '@jest/globals';
import { mergedSettings, recordSettings, requiredName, settingsOf } from './settings.js';

test('options recorded for a class are found for it and for those that extend it', () => {
  class Lock {}
  class OrdersLock extends Lock {}
  class EuOrdersLock extends OrdersLock {}
  recordSettings(OrdersLock, 'mutex', { name: 'orders' });

  expect(settingsOf(OrdersLock)).toEqual({ recipe: 'mutex', options: { name: 'orders' } });
  expect(settingsOf(EuOrdersLock)).toEqual({ recipe: 'mutex', options: { name: 'orders' } });
  expect(settingsOf(Lock)).toBeUndefined();
});

test('options that are given stand above those that were recorded', () => {
  class OrdersLock {}
  recordSettings(OrdersLock, 'mutex', { name: 'orders', ttl: '15s' });
  expect(mergedSettings(OrdersLock, 'mutex', { ttl: '5s' })).toEqual({ name: 'orders', ttl: '5s' });
  expect(mergedSettings(OrdersLock, 'mutex', undefined)).toEqual({ name: 'orders', ttl: '15s' });
});

test('a class cannot be decorated twice, nor as another recipe than it is', () => {
  class OrdersLock {}
  recordSettings(OrdersLock, 'mutex', {});
  expect(() => recordSettings(OrdersLock, 'election', {})).toThrow(/@election on OrdersLock/);
  expect(() => mergedSettings(OrdersLock, 'election', {})).toThrow(/@mutex on OrdersLock/);
});

test('a missing name is reported by the name of the class', () => {
  class OrdersLock {}
  expect(requiredName(OrdersLock, 'mutex', { name: 'orders' })).toBe('orders');
  expect(() => requiredName(OrdersLock, 'mutex', {})).toThrow(/OrdersLock\.name is undefined/);
});
