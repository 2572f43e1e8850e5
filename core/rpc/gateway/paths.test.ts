import { describe, expect, test } from '@jest/globals';
import { JsonCodec } from './json-codec.js';
import { canonical, PATHS } from './paths.js';

describe('a path of the gateway', () => {
  test('stands for a method that there is', () => {
    for (const path of PATHS.values()) expect(new JsonCodec(path)).toBeDefined();
    expect(() => new JsonCodec('/etcdserverpb.KV/Rename')).toThrow('no .proto file has the method');
  });

  test('leads to every method of etcd but the one that has none', () => {
    const methods = new Set(PATHS.values());

    // Names other than the first: three of leases.
    expect(PATHS.size - methods.size).toBe(3);
    expect(methods).not.toContain('/etcdserverpb.KV/RangeStream');
    expect(methods.size).toBe(48);
  });

  test('has an older name', () => {
    expect(canonical('/v3beta/kv/range')).toBe('/v3/kv/range');
    expect(canonical('/v3alpha/kv/range')).toBe('/v3alpha/kv/range');
  });
});
