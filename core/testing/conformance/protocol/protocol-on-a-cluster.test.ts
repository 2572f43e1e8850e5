/** The table against three Conclave members, each a process of its own. */
import { protocolSuite } from './suite.js';
import { clusterTarget } from './targets.js';

protocolSuite(clusterTarget());
