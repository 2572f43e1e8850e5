import { recipeStores } from '../testing/stores.js';
import { registryContract } from './registry.contract.js';

for (const store of recipeStores()) registryContract(store);
