/**
 * Configuration that reloads without a restart, typed by a schema. A release that does not fit is refused, and the good
 * one stays.
 *
 *     npm run example config-reload
 */
import {
  type ConfigChange,
  ConfigWatcher,
  configWatcher,
  connect,
  container,
  injectable,
  onConfig,
  start,
  value,
} from 'conclave';
import { z } from 'zod';

const schema = z.object({
  limits: z.object({ max: z.number().int().positive() }),
  greeting: z.string(),
});

@configWatcher({ name: 'payments', schema, initial: { limits: { max: 100 }, greeting: 'hello' } })
class PaymentsConfig extends ConfigWatcher<typeof schema> {}

@injectable()
class Payments {
  /** Always the value now in force. */
  @value(PaymentsConfig, 'limits.max')
  readonly max!: number;

  constructor(readonly config: PaymentsConfig) {}

  @onConfig(PaymentsConfig, 'limits.*')
  limitsChanged(change: ConfigChange<typeof schema>): void {
    const changed = change.changes.map(({ path, before, after }) => `${path}: ${String(before)} -> ${String(after)}`);
    console.log(`release ${change.release} is in force: ${changed.join(', ')}`);
  }
}

const store = await connect(process.argv[2] ?? 'embedded:memory');
const app = await start(container, { store, services: [Payments] });
const payments = container.resolve(Payments);
console.log(`max is ${payments.max}`);

const changed = new Promise((resolve) => payments.config.once('change', resolve));
await payments.config.publish({ limits: { max: 250 }, greeting: 'hello' }, { comment: 'a busy week' });
await changed;
console.log(`max is ${payments.max}`);

await payments.config
  .publish({ limits: { max: -1 }, greeting: 'hello' })
  .catch((error: Error) => console.log(`refused: ${error.message}`));
console.log(`max is still ${payments.max}`);

await app[Symbol.asyncDispose]();
await store.close();
