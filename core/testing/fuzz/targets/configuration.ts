import { InvariantError } from '../../../base/assert.js';
import { decodeConfiguration, encodeConfiguration } from '../../../raft/configuration.js';
import { codecTarget } from '../codec-target.js';
import { drawConfiguration } from '../draw/commands.js';

/** The data of a configuration entry. */
export const configuration = codecTarget('configuration', 'the data of a configuration entry', {
  draw: (chance) => ({ configuration: drawConfiguration(chance), context: chance.bytes() }),
  encode: ({ configuration: drawn, context }) => encodeConfiguration(drawn, context),
  decode: decodeConfiguration,
  refusals: [InvariantError],
});
