import type { Batch, View } from '../backend.js';

const POSITION_KEY = Buffer.from('position');

/** What batch `number` puts: as many records as tell batches apart, and too much for one page. */
export function batchRecords(number: number): readonly (readonly [key: Uint8Array, value: Uint8Array])[] {
  return Array.from({ length: 1 + (Math.max(0, number) % 7) }, (_, at) => {
    const key = Buffer.alloc(16);
    key.writeUInt32BE(Math.max(0, number), 4);
    key.writeUInt32BE(at, 12);
    return [key, Buffer.alloc(900, number % 251)] as const;
  });
}

export function readPosition(view: View): number {
  const stored = view.get('meta', POSITION_KEY);
  return stored ? Buffer.from(stored).readUInt32BE(0) : 0;
}

export function writePosition(batch: Batch, number: number): void {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(number, 0);
  batch.put('meta', POSITION_KEY, value);
}
