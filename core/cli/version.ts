import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ETCD_VERSION } from '../rpc/maintenance.js';

/** The version of the package that this program is part of. */
export function conclaveVersion(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  // Compiled, the program lies one folder deeper than its source.
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}

/** That version, and the one of etcd's protocol which the program speaks. */
export function versionText(): string {
  return `conclave Version: ${conclaveVersion()}\netcd API Version: ${ETCD_VERSION}`;
}
