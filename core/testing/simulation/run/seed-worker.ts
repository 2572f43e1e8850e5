/** What a process that runs seeds for another one runs: every task that it is sent is answered with its result. */
import { runSeed } from './run-seed.js';
import { type SeedTask, toMessage } from './seed-result.js';

process.on('message', (task: SeedTask) => {
  const before = process.cpuUsage();
  void runSeed(task.seed, task).then((result) => {
    const { user, system } = process.cpuUsage(before);
    process.send?.({ ...toMessage(result), processorMs: (user + system) / 1_000 });
  });
});
// Whoever started it is gone.
process.on('disconnect', () => process.exit());
