import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toBytes, toText } from '../base/bytes.js';
import { beginChange, endChange } from './configuration-change.js';
import { ConfigurationHistory } from './configuration-history.js';
import { decodeConfiguration, encodeConfiguration } from './configuration.js';
import { votersOnly } from './testing/raft-fixture.js';
import type { Configuration, Entry } from './types.js';

const configurationEntry = (index: number, configuration: Configuration): Entry => ({
  index,
  term: 1,
  kind: 'configuration',
  data: encodeConfiguration(configuration, toBytes('')),
});

describe('the bytes of a configuration', () => {
  const ids = fc.array(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), { maxLength: 9 });

  test('what was written is read back, context and all', () => {
    fc.assert(
      fc.property(ids, ids, ids, fc.uint8Array({ maxLength: 50 }), (voters, outgoing, learners, context) => {
        const configuration = outgoing.length > 0 ? { voters, outgoing, learners } : { voters, learners };
        const decoded = decodeConfiguration(encodeConfiguration(configuration, context));
        expect(decoded.configuration).toEqual(configuration);
        expect([...decoded.context]).toEqual([...context]);
      }),
      { seed: 4 },
    );
  });

  test('are these, and stay so', () => {
    const encoded = encodeConfiguration({ voters: [1n], outgoing: [2n], learners: [] }, toBytes('x'));
    expect(Buffer.from(encoded).toString('hex')).toBe('01010000000000000001010000000000000002' + '00' + '78');
  });

  test('are read from the middle of a larger buffer', () => {
    const encoded = encodeConfiguration(votersOnly(7n), toBytes('context'));
    const buffer = new Uint8Array(encoded.length + 20);
    buffer.set(encoded, 10);
    const { configuration, context } = decodeConfiguration(buffer.subarray(10, 10 + encoded.length));
    expect([configuration, toText(context)]).toEqual([votersOnly(7n), 'context']);
  });

  test.each([
    ['nothing', ''],
    ['another format', '02010000000000000001'],
    ['a group that ends too soon', '0102000000000000000100'],
    ['groups that are missing', '0100'],
  ])('are refused if they are %s', (_, hex) => {
    expect(() => decodeConfiguration(Buffer.from(hex, 'hex'))).toThrow('broken invariant');
  });

  test('hold 255 members of a kind, and not one more', () => {
    const many = Array.from({ length: 255 }, (_, position) => BigInt(position + 1));
    expect(decodeConfiguration(encodeConfiguration(votersOnly(...many), toBytes(''))).configuration.voters).toEqual(
      many,
    );
    expect(() => encodeConfiguration(votersOnly(...many, 999n), toBytes(''))).toThrow('at most 255');
  });
});

describe('a change', () => {
  const three = votersOnly(1n, 2n, 3n);

  test.each([
    ['nothing changes', votersOnly(3n, 2n, 1n)],
    ['one voter comes', votersOnly(1n, 2n, 3n, 4n)],
    ['one voter goes', votersOnly(1n, 2n)],
    ['any number of learners come', { voters: [1n, 2n, 3n], learners: [4n, 5n, 6n] }],
    ['a voter becomes a learner', { voters: [1n, 2n], learners: [3n] }],
  ])('is made directly where %s', (_, wanted) => {
    expect(beginChange(three, wanted)).toEqual(wanted);
  });

  test.each([
    ['one voter takes the place of another', votersOnly(1n, 2n, 4n)],
    ['two voters come', votersOnly(1n, 2n, 3n, 4n, 5n)],
    ['two voters go', votersOnly(1n)],
  ])('is joint where %s', (_, wanted) => {
    const joint = beginChange(three, wanted);
    expect(joint).toEqual({ ...wanted, outgoing: three.voters });
    expect(endChange(joint)).toEqual(wanted);
  });

  test.each([
    ['nobody would vote', 'voters', votersOnly()],
    ['a member votes twice', 'members', votersOnly(1n, 1n)],
    ['a member votes and learns', 'members', { voters: [1n], learners: [1n] }],
    ['a member has no id', 'members', votersOnly(0n)],
    [
      'there are too many',
      'members',
      votersOnly(...Array.from({ length: 256 }, (_, position) => BigInt(position + 1))),
    ],
  ])('is refused if %s', (_, field, wanted) => {
    expect(() => beginChange(three, wanted)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field: `configuration.${field}` }),
    );
  });
});

describe('the configuration in force', () => {
  const history = () => new ConfigurationHistory({ index: 3, configuration: votersOnly(1n) });

  test('is the last in the log, and if that is cut off, the one before', () => {
    const configurations = history();
    configurations.append(configurationEntry(5, votersOnly(1n, 2n)), 3);
    configurations.append({ index: 6, term: 1, data: toBytes('command') }, 3);
    expect([configurations.inForce, configurations.index]).toEqual([votersOnly(1n, 2n), 5]);
    configurations.truncateFrom(6);
    expect(configurations.index).toBe(5);
    configurations.truncateFrom(5);
    expect([configurations.inForce, configurations.index]).toEqual([votersOnly(1n), 3]);
  });

  test('may be any from the last committed one on', () => {
    const configurations = history();
    configurations.append(configurationEntry(5, votersOnly(1n, 2n)), 3);
    configurations.append(configurationEntry(7, votersOnly(2n)), 5);
    expect(configurations.possible(6)).toEqual([votersOnly(1n, 2n), votersOnly(2n)]);
    expect(configurations.possible(7)).toEqual([votersOnly(2n)]);
    expect(() => configurations.truncateFrom(5)).toThrow('a committed configuration is never cut off');
  });

  test('is that of a snapshot which took the place of the log', () => {
    const configurations = history();
    configurations.append(configurationEntry(5, votersOnly(1n, 2n)), 3);
    configurations.restartAt({ index: 20, configuration: votersOnly(7n) });
    expect([configurations.inForce, configurations.index]).toEqual([votersOnly(7n), 20]);
  });
});
