/** What every recipe keeps, on three members of which one after the other is killed. */
import { afterAll, jest } from '@jest/globals';
import { barrierQueueContract } from '../barrier-queue/barrier-queue.contract.js';
import { configContract } from '../config/config.contract.js';
import { electionContract } from '../election/election.contract.js';
import { mutexContract } from '../mutex/mutex.contract.js';
import { registryContract } from '../registry/registry.contract.js';
import { ClusterOfThree } from './cluster-stores.js';

/** The recipes outlive a member's end; the writes that a test makes beside them may not, and are then tried again. */
const RETRIES = 3;
jest.retryTimes(RETRIES, { logErrorsBeforeRetry: true });

const cluster = new ClusterOfThree();
afterAll(() => cluster.stop(), 60_000);

mutexContract(cluster.disturbed);
electionContract(cluster.disturbed);
barrierQueueContract(cluster.disturbed);
registryContract(cluster.disturbed);
configContract(cluster.disturbed);
