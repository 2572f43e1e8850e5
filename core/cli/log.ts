import { destination, type Logger as PinoLogger, pino, stdSerializers } from 'pino';

/** From the most to the least that is told. */
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type Level = (typeof LEVELS)[number];

const STDERR = 2;

/** A log of one JSON line an event, on the standard error output, written at once so that no crash swallows it. */
export function openLog(level: Level, name: string): PinoLogger {
  return pino(
    {
      level,
      base: { name },
      serializers: { error: stdSerializers.err },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
    },
    destination({ dest: STDERR, sync: true }),
  );
}
