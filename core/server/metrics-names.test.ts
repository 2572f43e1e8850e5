import { afterEach, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { findEtcd, startEtcd } from '../testing/etcd-process.js';
import { startMember } from './start-member.js';

const DOCUMENT = new URL('../../docs/metrics.md', import.meta.url);

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Names of families and their types, as `/metrics` tells them. */
async function familiesAt(url: string): Promise<Map<string, string>> {
  const text = await fetch(`${url}/metrics`).then((answer) => answer.text());
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
}

async function ours(): Promise<Map<string, string>> {
  const member = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0' });
  closers.push(() => member.close());
  return familiesAt(member.clientUrl as string);
}

const isNamedByEtcd = (name: string) => /^(etcd|grpc)_/.test(name);

/** Families of newer versions of etcd than may be on the PATH, and of members that are not alone. */
const NOT_SHOWN: ReadonlyMap<string, string> = new Map([
  ['etcd_network_active_peers', 'gauge'],
  ['etcd_server_healthcheck', 'gauge'],
  ['etcd_server_healthchecks_total', 'counter'],
]);

describe('the names of metrics', () => {
  test('are all told in the document, and those in the document are all there', async () => {
    const families = await ours();
    const told = new Set(
      [...(await readFile(DOCUMENT, 'utf8')).matchAll(/^\| `((?:etcd|grpc|conclave)_\w+)`/gm)].map(([, name]) => name),
    );

    expect([...families.keys()].filter((name) => isNamedByEtcd(name) || name.startsWith('conclave_')).sort()).toEqual(
      [...told].sort(),
    );
  });

  const etcd = findEtcd() === undefined ? test.skip : test;
  etcd('that etcd has too are of the same types there', async () => {
    const server = await startEtcd();
    closers.push(() => server.stop());
    const theirs = new Map([...(await familiesAt(server.url)), ...NOT_SHOWN]);

    const shared = [...(await ours())].filter(([name]) => isNamedByEtcd(name));

    expect(shared.length).toBeGreaterThanOrEqual(30);
    expect(shared.map(([name]) => [name, theirs.get(name)])).toEqual(shared);
  });
});
