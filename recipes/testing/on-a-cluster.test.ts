/** What every recipe keeps, on three members. */
import { afterAll, jest } from '@jest/globals';
import { barrierQueueContract } from '../barrier-queue/barrier-queue.contract.js';
import { configContract } from '../config/config.contract.js';
import { electionContract } from '../election/election.contract.js';
import { mutexContract } from '../mutex/mutex.contract.js';
import { registryContract } from '../registry/registry.contract.js';
import { ClusterOfThree } from './cluster-stores.js';

/** Leases of two seconds in real time: a machine that stands still for one of them loses them, which is not the recipes' fault. */
jest.retryTimes(2, { logErrorsBeforeRetry: true });

const cluster = new ClusterOfThree();
afterAll(() => cluster.stop(), 60_000);

mutexContract(cluster.calm);
electionContract(cluster.calm);
barrierQueueContract(cluster.calm);
registryContract(cluster.calm);
configContract(cluster.calm);
