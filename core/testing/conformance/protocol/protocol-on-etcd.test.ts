/** The table against a real etcd: this is what proves the table true. */
import { test } from '@jest/globals';
import { protocolSuite } from './suite.js';
import { etcdTarget } from './targets.js';

const target = etcdTarget();
if (target) protocolSuite(target);
else test.skip('skipped, because no etcd binary is on the PATH', () => {});
