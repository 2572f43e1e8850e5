import type { Command } from 'commander';
import type { Asking } from './commands.js';

export function addSnapshotCommands(_program: Command, _asking: Asking): void {}
