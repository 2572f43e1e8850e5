import { readFileSync } from 'node:fs';

/** A certificate, a key or a list, in PEM: the path of a file that holds it, or its bytes (a text with a `BEGIN` line counts as such). */
export type PemSource = string | Uint8Array;

const BEGINS = '-----BEGIN ';

/** Whether it names a file, which may change. */
export function isPath(source: PemSource): source is string {
  return typeof source === 'string' && !source.includes(BEGINS);
}

/** The bytes, or those that its file has now. @throws the operating system's error */
export function readPem(source: PemSource): Buffer {
  // Synchronous: some files of a few kilobytes, at the start and when one of them has changed.
  return isPath(source) ? readFileSync(source) : Buffer.from(source);
}

/** How an error names a source: never with what it holds, which may be a key. */
export function nameOfPem(source: PemSource | undefined): string | undefined {
  if (source === undefined) return undefined;
  return isPath(source) ? source : 'the bytes given';
}

/** The blocks of a file, for parsers that read only its first. */
export function blocksOf(pem: Uint8Array): readonly string[] {
  return (
    Buffer.from(pem)
      .toString('latin1')
      .match(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g) ?? []
  );
}
