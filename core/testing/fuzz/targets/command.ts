import { InvariantError } from '../../../base/assert.js';
import { decodeCommand, encodeCommand } from '../../../machine/codec.js';
import { codecTarget } from '../codec-target.js';
import { drawCommand } from '../draw/commands.js';

/** The content of a log entry. */
export const command = codecTarget('command', 'the command in a log entry', {
  draw: drawCommand,
  encode: encodeCommand,
  decode: decodeCommand,
  refusals: [InvariantError],
  isLenient: true,
});
