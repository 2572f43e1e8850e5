#!/usr/bin/env node
import { EXIT } from './exit-code.js';
import { runCommandLine } from './program.js';

// Whoever reads us may have had enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

const code = await runCommandLine(process.argv.slice(2));
// What failed may hang still, and must not hold the process.
if (code === EXIT.ok) process.exitCode = code;
else process.exit(code);
