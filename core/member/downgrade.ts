import { DowngradeVersionError } from '../base/errors.js';

/** As etcd takes it: the patch level may be left out. */
const VERSION = /^\d+\.\d+(\.\d+(-[\w.-]+)?(\+[\w.-]+)?)?$/;

/** @throws {@link DowngradeVersionError} for what is no version */
export function assertIsVersion(version: string): void {
  if (!VERSION.test(version)) throw new DowngradeVersionError(version);
}
