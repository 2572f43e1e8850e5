import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { endingOf, endingOfHttp, FrameReader, toFrame } from './grpc-frames.js';

describe('messages', () => {
  test('come out as they went in, however the pieces are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (messages, sizes) => {
          const bytes = Buffer.concat(messages.map(toFrame));
          const reader = new FrameReader();
          const read: Buffer[] = [];
          for (let at = 0, i = 0; at < bytes.length; i += 1) {
            const size = sizes[i % sizes.length] as number;
            read.push(...reader.read(bytes.subarray(at, at + size)));
            at += size;
          }

          expect(read.map((message) => [...message])).toEqual(messages.map((message) => [...message]));
        },
      ),
      { seed: 20_261_121, numRuns: 200 },
    );
  });

  test('that are compressed are not read, for nobody asked for it', () => {
    expect(() => new FrameReader().read(Buffer.from([1, 0, 0, 0, 0]))).toThrow('compressed');
  });

  test('have at most a gibibyte with their prefix', () => {
    const prefix = (bytes: number) => {
      const frame = toFrame(Buffer.alloc(0));
      frame.writeUInt32BE(bytes, 1);
      return frame;
    };

    expect(new FrameReader().read(prefix(2 ** 30 - 5))).toEqual([]);
    expect(() => new FrameReader().read(prefix(2 ** 30 - 4))).toThrow('larger than');
  });
});

describe('a status', () => {
  test('is read with its text, which travels escaped', () => {
    expect(endingOf({ 'grpc-status': '14', 'grpc-message': 'etcdserver: no%20leader%C3%A9' })).toEqual({
      code: status.UNAVAILABLE,
      details: 'etcdserver: no leaderé',
    });
  });

  test('whose text is not well-formed is read as it came', () => {
    expect(endingOf({ 'grpc-status': '2', 'grpc-message': '100%' })).toEqual({ code: status.UNKNOWN, details: '100%' });
  });

  test('is not there in headers without one', () => {
    expect(endingOf({})).toBeUndefined();
    expect(endingOfHttp({ ':status': 200 as never })).toBeUndefined();
  });

  test('of HTTP alone means what gRPC says it does', () => {
    const codes = [503, 401, 418].map((code) => endingOfHttp({ ':status': code as never })?.code);

    expect(codes).toEqual([status.UNAVAILABLE, status.UNAUTHENTICATED, status.UNKNOWN]);
  });
});
