import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ClosedError, PermissionDeniedError } from '../base/errors.js';
import { ManualClock } from '../testing/manual-clock.js';
import { type WatchCreateRequest, type WatchRequest, type WatchResponse } from './gen/watch.js';
import { FakeMember, putEvent } from './testing/fake-member.js';
import { type WatchLimits, WatchSession } from './watch.js';

const LIMITS: WatchLimits = {
  watchersPerStreamMax: 3,
  streamBufferBytesMax: 10_000,
  watchProgressNotifyMs: 1_000,
  watchMessageBytesMax: 2_000,
};

/** A stream whose transport takes messages when the test says so. */
class Transport {
  readonly sent: WatchResponse[] = [];
  readonly failures: unknown[] = [];
  readonly #unsent: (() => void)[] = [];
  takesAtOnce = true;

  readonly output = {
    send: (response: WatchResponse, sent: () => void) => {
      this.sent.push(response);
      if (this.takesAtOnce) sent();
      else this.#unsent.push(sent);
    },
    fail: (error: unknown) => this.failures.push(error),
  };

  /** What was given to the transport leaves it. */
  flush(): void {
    for (const sent of this.#unsent.splice(0)) sent();
  }

  /** What was sent since the last call, without what is empty in it. */
  take(): object[] {
    return this.sent.splice(0).map(brief);
  }
}

function brief(response: WatchResponse): object {
  const { header, watchId, events, ...rest } = response;
  const set = Object.fromEntries(Object.entries(rest).filter(([, value]) => Boolean(value)));
  const revisions = events.map((event) => event.kv!.modRevision);
  return { id: Number(watchId), at: header!.revision, ...set, ...(revisions.length > 0 && { revisions }) };
}

function create(part: Partial<WatchCreateRequest> = {}): WatchRequest {
  const createRequest: WatchCreateRequest = {
    key: Buffer.from('k'),
    rangeEnd: Buffer.alloc(0),
    startRevision: 0n,
    progressNotify: false,
    filters: [],
    prevKv: false,
    watchId: 0n,
    fragment: false,
    ...part,
  };
  return { requestUnion: { $case: 'createRequest', createRequest } };
}

const cancel = (watchId: bigint): WatchRequest => ({
  requestUnion: { $case: 'cancelRequest', cancelRequest: { watchId } },
});
const progress: WatchRequest = { requestUnion: { $case: 'progressRequest', progressRequest: {} } };

let clock: ManualClock;
let member: FakeMember;
let transport: Transport;
let session: WatchSession;
beforeEach(() => {
  clock = new ManualClock();
  member = new FakeMember(clock);
  transport = new Transport();
  session = new WatchSession(member, clock, LIMITS, transport.output);
});

describe('creation', () => {
  test('is answered with the store revision and ids from 0 on', () => {
    session.handle(create());
    session.handle(create());

    expect(transport.take()).toEqual([
      { id: 0, at: 100, created: true },
      { id: 1, at: 100, created: true },
    ]);
  });

  test('passes on range, revision, filter and previous', () => {
    session.handle(create({ rangeEnd: Buffer.from('l'), startRevision: 7n, prevKv: true, filters: [1] }));
    session.handle(create({ filters: [0] }));

    expect(member.watchers[0]!.request).toEqual({
      target: { key: Buffer.from('k'), end: Buffer.from('l') },
      from: 7,
      previous: true,
      only: 'put',
    });
    expect(member.watchers[1]!.request).toEqual({ target: { key: Buffer.from('k') }, only: 'delete' });
  });

  test('takes an empty key for the first one', () => {
    session.handle(create({ key: Buffer.alloc(0), rangeEnd: Buffer.of(0) }));

    expect(member.watchers[0]!.request.target).toEqual({ key: Buffer.of(0), end: Buffer.of(0) });
  });

  test('under an id of the client uses it; a second time it is refused', () => {
    session.handle(create({ watchId: 5n }));
    session.handle(create({ watchId: 5n }));

    expect(transport.take()).toEqual([
      { id: 5, at: 100, created: true },
      {
        id: -1,
        at: 100,
        created: true,
        canceled: true,
        cancelReason: 'mvcc: duplicate watch ID provided on the WatchStream',
      },
    ]);
  });

  test('passes over ids that the client took', () => {
    session.handle(create({ watchId: 1n }));
    session.handle(create());
    session.handle(create());

    expect(transport.take().map((answer) => (answer as { id: number }).id)).toEqual([1, 0, 2]);
  });

  test('that is refused for its caller uses up no id', () => {
    const watch = jest.spyOn(member, 'watch');
    watch.mockImplementationOnce(() => {
      throw new PermissionDeniedError('read "k"');
    });
    session.handle(create());
    session.handle(create());

    expect(transport.take().map((answer) => (answer as { id: number }).id)).toEqual([-1, 0]);
  });

  test('of a range that holds no key is refused', () => {
    session.handle(create({ rangeEnd: Buffer.from('k') }));

    expect(transport.take()).toEqual([
      { id: -1, at: 100, created: true, canceled: true, cancelReason: 'mvcc: watcher range is empty' },
    ]);
    expect(member.watchers).toHaveLength(0);
  });

  test('below revision 0 is refused as compacted', () => {
    session.handle(create({ startRevision: -1n }));

    expect(transport.take()).toMatchObject([
      { id: -1, canceled: true, cancelReason: 'etcdserver: mvcc: required revision has been compacted' },
    ]);
  });

  test('is refused past the most that a stream may have, until one is cancelled', () => {
    for (let i = 0; i < 4; i += 1) session.handle(create());
    session.handle(cancel(1n));
    session.handle(create());

    expect(transport.take()).toMatchObject([
      { id: 0 },
      { id: 1 },
      { id: 2 },
      { id: -1, created: true, canceled: true, cancelReason: 'etcdserver: too many requests' },
      { id: 1, canceled: true },
      { id: 3, created: true },
    ]);
  });

  test('fails the stream if the member serves no more', () => {
    const error = new ClosedError();
    member.watch = () => {
      throw error;
    };

    session.handle(create());

    expect(transport.failures).toEqual([error]);
  });

  test('is answered before any event, even if events wait at once', () => {
    const watch = member.watch.bind(member);
    member.watch = (request, onReady) => {
      const watcher = watch(request, onReady);
      watcher.puts([101]);
      return watcher;
    };

    session.handle(create());

    expect(transport.take()).toEqual([
      { id: 0, at: 100, created: true },
      { id: 0, at: 101, revisions: [101] },
    ]);
  });

  test('in compacted history is answered, and then cancelled with the revision to begin at', () => {
    session.handle(create({ startRevision: 3n }));
    member.watchers[0]!.compacted(50);

    expect(transport.take()).toEqual([
      { id: 0, at: 100, created: true },
      { id: 0, at: 0, canceled: true, compactRevision: 50 },
    ]);
    expect(member.watchers[0]!.isCancelled).toBe(true);
  });
});

describe('cancellation', () => {
  test('is answered, and nothing comes after it', () => {
    session.handle(create());
    session.handle(cancel(0n));
    member.watchers[0]!.puts([101]);

    expect(transport.take()).toEqual([
      { id: 0, at: 100, created: true },
      { id: 0, at: 100, canceled: true },
    ]);
    expect(member.watchers[0]!.isCancelled).toBe(true);
  });

  test('of a watch that is not there is not answered', () => {
    session.handle(cancel(4n));

    expect(transport.take()).toEqual([]);
  });

  test('of everything comes with the end of the stream', async () => {
    session.handle(create({ progressNotify: true }));
    session.handle(create());

    session.close();
    session.close();
    session.handle(create());
    member.watchers[0]!.puts([101]);
    await clock.advance(10_000);

    expect(member.watchers.map(({ isCancelled }) => isCancelled)).toEqual([true, true]);
    expect(transport.take()).toHaveLength(2);
    expect(clock.timerCount).toBe(0);
  });
});

describe('events', () => {
  test('come with the revision up to which everything was delivered', () => {
    session.handle(create());
    member.watchers[0]!.puts([101, 101, 104]);

    expect(transport.take().slice(1)).toEqual([{ id: 0, at: 104, revisions: [101, 101, 104] }]);
  });

  test('that are all filtered out are not sent', () => {
    session.handle(create({ filters: [0, 1] }));
    member.watchers[0]!.puts([101]);

    expect(transport.take().slice(1)).toEqual([]);
  });

  test('larger than a message come in several, cut between revisions', () => {
    session.handle(create());
    member.watchers[0]!.puts([101, 101, 102, 103, 103], 500);

    expect(transport.take().slice(1)).toEqual([
      { id: 0, at: 102, revisions: [101, 101, 102] },
      { id: 0, at: 103, revisions: [103, 103] },
    ]);
  });

  test('of one revision larger than a message are cut only for who can put them together', () => {
    session.handle(create());
    session.handle(create({ fragment: true }));
    for (const watcher of member.watchers) watcher.puts([101, 101, 101, 101, 102], 500);

    expect(transport.take().slice(2)).toEqual([
      { id: 0, at: 101, revisions: [101, 101, 101, 101] },
      { id: 0, at: 102, revisions: [102] },
      { id: 1, at: 101, fragment: true, revisions: [101, 101, 101] },
      { id: 1, at: 102, revisions: [101, 102] },
    ]);
  });

  test('stay in the member while the transport does not take them', () => {
    session.handle(create());
    const [watcher] = member.watchers;
    transport.takesAtOnce = false;
    for (let revision = 101; revision <= 120; revision += 1) watcher!.puts([revision], 1_900);

    const sent = transport.take().length;
    expect(watcher!.waitingCount).toBe(20 - (sent - 1));
    // 10,000 bytes of room are five messages of about 2,000, and one that began within it.
    expect(sent - 1).toBe(6);

    transport.flush();
    transport.takesAtOnce = true;
    transport.flush();
    expect(watcher!.waitingCount).toBe(0);
    expect(transport.take()).toHaveLength(14);
  });

  test('of several watches take turns', () => {
    session.handle(create());
    session.handle(create());
    transport.takesAtOnce = false;
    for (const watcher of member.watchers) {
      for (let revision = 101; revision <= 110; revision += 1) watcher.puts([revision], 1_900);
    }
    transport.flush();
    transport.takesAtOnce = true;
    transport.flush();

    const ids = transport.take().map((answer) => (answer as { id: number }).id);

    // Two creations, and what the first had sent before the second had anything; then one each.
    expect(ids.slice(8, 16)).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  });
});

describe('answers that a client does not read', () => {
  test('hold back its requests from the 256th on, until it reads', () => {
    transport.takesAtOnce = false;
    let caughtUp = 0;
    const whenCaughtUp = () => (caughtUp += 1);
    let accepted = 0;
    while (!session.isBehind(whenCaughtUp)) {
      session.handle(create({ rangeEnd: Buffer.from('k') }));
      accepted += 1;
    }

    // Those that filled the transport's buffer, and those that wait behind them.
    expect(accepted).toBe(Math.ceil(LIMITS.streamBufferBytesMax / 64) + 256);
    expect(caughtUp).toBe(0);
    transport.flush();
    expect(caughtUp).toBe(1);
  });
});

describe('manual progress', () => {
  test('is answered for the whole stream with the revision that all have reached', () => {
    session.handle(create());
    session.handle(create());
    member.watchers[0]!.puts([105]);
    member.watchers[1]!.revision = 103;
    transport.take();

    session.handle(progress);

    expect(transport.take()).toEqual([{ id: -1, at: 103 }]);
  });

  test.each([
    ['there is no watch', () => session.handle(cancel(0n))],
    ['a watch has history to catch up', () => (member.watchers[0]!.synced = false)],
    ['a watch waits for a revision to come', () => session.handle(create({ startRevision: 200n }))],
  ])('is not answered while %s', (_, arrange) => {
    session.handle(create());
    arrange();
    transport.take();

    session.handle(progress);

    expect(transport.take()).toEqual([]);
  });

  test('is not answered while a part of a batch is still to be sent', () => {
    session.handle(create());
    transport.takesAtOnce = false;
    member.watchers[0]!.puts([101, 102, 103, 104, 105, 106, 107, 108, 109], 1_900);
    transport.take();

    session.handle(progress);
    transport.flush();
    transport.takesAtOnce = true;
    transport.flush();

    expect(transport.take().map((answer) => (answer as { id: number }).id)).not.toContain(-1);
  });
});

describe('progress notifications', () => {
  test('come at each interval in which nothing was sent', async () => {
    session.handle(create({ progressNotify: true }));
    session.handle(create());
    transport.take();

    await clock.advance(999);
    expect(transport.take()).toEqual([]);
    await clock.advance(1);
    expect(transport.take()).toEqual([{ id: 0, at: 100 }]);

    member.watchers[0]!.puts([105]);
    transport.take();
    await clock.advance(1_000);
    expect(transport.take()).toEqual([]);
    await clock.advance(1_000);
    expect(transport.take()).toEqual([{ id: 0, at: 105 }]);
  });

  test('do not come while a watch has something to catch up, or waits for a revision to come', async () => {
    session.handle(create({ progressNotify: true }));
    session.handle(create({ progressNotify: true, startRevision: 200n }));
    member.watchers[0]!.synced = false;
    transport.take();

    await clock.advance(5_000);

    expect(transport.take()).toEqual([]);
  });

  test('do not pile up for a client that does not read', async () => {
    session.handle(create({ progressNotify: true }));
    transport.takesAtOnce = false;
    member.watchers[0]!.puts([101], 50_000);
    await clock.advance(1_000);
    transport.take();

    await clock.advance(10_000);
    transport.flush();

    expect(transport.take().length).toBeLessThanOrEqual(1);
  });
});

test('a deletion carries its key and revision and what was before', () => {
  session.handle(create());
  const kv = { ...putEvent(105).kv, createRevision: 0, version: 0 };
  member.watchers[0]!.deliver({ revision: 105, events: [{ type: 'delete', kv, previous: putEvent(104).kv }] });

  const [event] = transport.sent.at(-1)!.events;

  expect(event).toMatchObject({ type: 1, kv: { createRevision: 0, modRevision: 105 }, prevKv: { modRevision: 104 } });
});
