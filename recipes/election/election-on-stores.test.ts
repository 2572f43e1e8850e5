import { recipeStores } from '../testing/stores.js';
import { electionContract } from './election.contract.js';

for (const store of recipeStores()) electionContract(store);
