import { recipeStores } from '../testing/stores.js';
import { configContract } from './config.contract.js';

for (const store of recipeStores()) configContract(store);
