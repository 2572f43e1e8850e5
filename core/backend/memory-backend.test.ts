import { describeBackend } from './backend.contract.js';
import { openMemoryBackend } from './memory-backend.js';

describeBackend('a memory backend', async () => openMemoryBackend());
