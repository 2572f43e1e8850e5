import { recipeStores } from '../testing/stores.js';
import { mutexContract } from './mutex.contract.js';

for (const store of recipeStores()) mutexContract(store);
