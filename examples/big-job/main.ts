/**
 * A barrier queue that starts a big job when all its small ones are ready: the report is compiled once all parts of it
 * have been prepared, whoever prepares them, in whatever order.
 *
 *     npm run example big-job
 */
import { BarrierQueue, connect, items } from 'conclave';

interface Part {
  readonly chapter: number;
  readonly text: string;
}

const CHAPTERS = 5;

const store = await connect(process.argv[2] ?? 'embedded:memory');
const parts = new BarrierQueue<Part>(store, { name: 'report', release: items(CHAPTERS) });

const report = compile();
for (const chapter of [3, 1, 5, 2, 4]) {
  await parts.put({ chapter, text: `chapter ${chapter}` }, { id: `chapter-${chapter}` });
  const { ready, needed } = await parts.status();
  console.log(`chapter ${chapter} is ready (${ready} of ${needed})`);
}
console.log(`the report: ${(await report).join(', ')}`);
await parts.dispose();
await store.close();

/** Waits at the barrier; begins when the last part is there. */
async function compile(): Promise<string[]> {
  const chapters: Part[] = [];
  for await (const delivery of parts.consume()) {
    if (chapters.length === 0) console.log('all parts are there: the big job starts');
    chapters.push(delivery.item);
    await delivery.ack();
    if (chapters.length === CHAPTERS) break;
  }
  return chapters.sort((a, b) => a.chapter - b.chapter).map(({ text }) => text);
}
