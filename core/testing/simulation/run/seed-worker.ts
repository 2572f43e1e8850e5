/** What a process that runs seeds for another one runs: every task that it is sent is answered with its result. */
import { runSeed } from './run-seed.js';
import { type SeedTask, toMessage } from './seed-result.js';

process.on('message', (task: SeedTask) => {
  void runSeed(task.seed, task).then((result) => process.send?.(toMessage(result)));
});
// Whoever started it is gone.
process.on('disconnect', () => process.exit());
