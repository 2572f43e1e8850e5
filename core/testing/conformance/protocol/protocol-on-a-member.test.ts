/** The table against one Conclave member. */
import { protocolSuite } from './suite.js';
import { memberTarget } from './targets.js';

protocolSuite(memberTarget());
