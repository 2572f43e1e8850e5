/** The process that holds the store. It opens the folder, serves etcd's protocol on loopback, and is killed at the end. */
import { open } from 'conclave/core';

const [dataDir, port] = process.argv.slice(2) as [string, string];
const store = await open({ dataDir }, { listen: `http://127.0.0.1:${port}` });
process.send?.({ kind: 'serving', url: store.clientUrl });

process.once('SIGTERM', () => void leave());
// Never outlive the director.
process.once('disconnect', () => void leave());

async function leave(): Promise<void> {
  await store.close();
  process.exit(0);
}
