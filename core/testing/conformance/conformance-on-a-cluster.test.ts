/** The suite on three members, each a process of its own: while all is well, and while one after the other is killed. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { connect } from '../../connect.js';
import { FaultyStore } from '../../../recipes/testing/faulty-store.js';
import { killEveryTwoSeconds, type Killer } from '../cluster/killer.js';
import { ProcessCluster } from '../cluster/process-cluster.js';
import { isPassing } from '../cluster/workload/surroundings.js';
import { disturbed } from './patient-test.js';
import { conformance } from './suite.contract.js';

const ATTEMPTS_MAX = 6;

let cluster: ProcessCluster;

beforeAll(async () => {
  cluster = await ProcessCluster.start();
}, 60_000);
afterAll(() => cluster.stop());

describe('three members', () => conformance(() => connect(cluster.url)));

describe('three members, one of which is killed and started again every two seconds', () => {
  let killer: Killer;
  let store: FaultyStore;
  beforeAll(() => {
    killer = killEveryTwoSeconds(cluster);
  });
  afterAll(() => killer.stop(), 60_000);

  const wasHit = () => store.failures.splice(0).some(isPassing);
  disturbed({ attemptsMax: ATTEMPTS_MAX, wasHit }, () =>
    conformance(async () => (store = new FaultyStore(await connect(cluster.url)))),
  );
});
