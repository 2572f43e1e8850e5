import { expect, test } from '@jest/globals';
import { findEtcd, startEtcd } from './etcd-process.js';

const whenInstalled = findEtcd() === undefined ? test.skip : test;

whenInstalled(
  'an etcd starts on a free port, survives a kill with its data, and stops (skipped: no etcd)',
  async () => {
    const etcd = await startEtcd();
    const firstPid = etcd.pid;

    await etcd.restart();

    expect(etcd.pid).not.toBe(firstPid);
    expect(await (await fetch(`${etcd.url}/version`)).json()).toHaveProperty('etcdserver');
    await etcd.stop();
    await etcd.stop();
    await expect(fetch(`${etcd.url}/version`)).rejects.toThrow();
  },
);
