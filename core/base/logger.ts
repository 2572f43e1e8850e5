/** Where the store and the recipes report what a person should know. A pino logger fits, and so does any wrapper of this shape. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Says nothing. The default where the store is embedded: a library that nobody asked does not write to the terminal. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}
