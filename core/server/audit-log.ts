import type { Clock } from '../base/clock.js';
import { InvalidArgumentError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { AuditSink } from '../rpc/audit/audit-entry.js';
import { AuditFile } from './audit-file.js';
import type { Closers } from './closers.js';

/** Where it is told who changed what. */
export interface AuditLogOptions {
  /**
   * Tells of every change that a caller asks for, over gRPC or HTTP: who, what, when, from where, and what came of it; see
   * docs/audit.md. The path of a file, to whose end lines of JSON are written, or a logger, whose `info` is called. Default:
   * nobody is told.
   */
  readonly auditLog?: string | Logger;
}

/**
 * Checks the option before anything is opened.
 *
 * @throws {@link InvalidArgumentError} if it is neither a path nor a logger, or there is nobody to tell of
 */
export function checkAuditLog({ auditLog }: AuditLogOptions, isListening: boolean): void {
  if (auditLog === undefined) return;
  const given: unknown = auditLog;
  const isLogger = typeof given === 'object' && given !== null && typeof (given as Logger).info === 'function';
  if (!isLogger && (typeof given !== 'string' || given === '')) {
    throw new InvalidArgumentError('auditLog', String(given), 'the path of a file, or a logger');
  }
  if (!isListening) throw new InvalidArgumentError('auditLog', 'without listen', 'given where callers are listened to');
}

/**
 * Opens what entries go to; it is closed behind everything that may still tell of a call.
 *
 * @throws {@link InvalidArgumentError} if the file cannot be opened
 */
export async function openAuditLog(
  { auditLog }: AuditLogOptions,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  closers: Closers,
): Promise<AuditSink | undefined> {
  if (auditLog === undefined) return undefined;
  if (typeof auditLog !== 'string') return { record: (entry) => auditLog.info(entry, 'audit') };
  const parts = { path: auditLog, clock, logger, nowMs: Date.now };
  const file = await AuditFile.open(parts).catch((error: NodeJS.ErrnoException) => {
    throw new InvalidArgumentError('auditLog', auditLog, `a file that can be written (${error.message})`);
  });
  closers.add(() => file.close());
  return file;
}
