import { recipeStores } from '../testing/stores.js';
import { barrierQueueContract } from './barrier-queue.contract.js';

for (const store of recipeStores()) barrierQueueContract(store);
