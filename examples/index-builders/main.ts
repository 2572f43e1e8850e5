/**
 * Leader election for index builders. Several processes are ready to build the index, one does; when it leaves or dies,
 * another goes on from the last checkpoint. Here two of them live in one process.
 *
 *     npm run example index-builders
 */
import { connect, Election, type Leadership } from 'conclave';
import { prefix, put, type Store, toText } from 'conclave/core';

const DOCUMENTS = 10;

class IndexBuilder {
  readonly #election: Election<string>;

  constructor(
    private readonly store: Store,
    private readonly name: string,
  ) {
    this.#election = new Election(store, { name: 'index-builder', ttl: '10s' });
  }

  /** Waits to be elected, and builds for as long as it leads. */
  async run(crashAfter = Infinity): Promise<void> {
    await this.#election.lead((leadership) => this.#build(leadership, crashAfter), { value: this.name });
    await this.#election.dispose();
  }

  async #build(leadership: Leadership<string>, crashAfter: number): Promise<void> {
    const checkpoint = await this.store.get('index/checkpoint');
    let next = checkpoint ? Number(toText(checkpoint.value)) + 1 : 1;
    console.log(`${this.name} leads and begins with document ${next}`);
    for (let built = 0; next <= DOCUMENTS && built < crashAfter; built += 1, next += 1) {
      leadership.assertHeld();
      // Document and checkpoint together, and only while we lead: a leader that was replaced writes nothing.
      await leadership
        .guard(this.store.txn())
        .do(put(`index/document/${next}`, this.name), put('index/checkpoint', String(next)))
        .commit();
    }
    console.log(`${this.name} stops at document ${next - 1}`);
  }
}

const store = await connect(process.argv[2] ?? 'embedded:memory');
const first = new IndexBuilder(store, 'ada').run(4);
const second = new IndexBuilder(store, 'bob').run();
await Promise.all([first, second]);
const { count } = await store.range(prefix('index/document/'), { countOnly: true });
console.log(`${count} of ${DOCUMENTS} documents are in the index`);
await store.close();
