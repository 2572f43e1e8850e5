import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MethodDefinition } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import type { AuditEntry } from '../rpc/audit/audit-entry.js';
import { AuthService } from '../rpc/gen/auth.js';
import { KVService } from '../rpc/gen/kv.js';
import { MaintenanceService } from '../rpc/gen/maintenance.js';
import { RawClient } from '../rpc/testing/raw-client.js';
import { type RunningMember, startMember } from './start-member.js';

let running: RunningMember | undefined;
let client: RawClient | undefined;
afterEach(async () => {
  client?.close();
  await running?.close();
  running = undefined;
});

/** A member whose audit log goes to a list. */
async function start(): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  const auditLog = { ...silentLogger, info: (fields: object) => void entries.push(fields as AuditEntry) };
  running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', auditLog, authPasswordCost: 4 });
  client = dial(running);
  return entries;
}

function dial({ clientUrl }: RunningMember): RawClient {
  const { hostname, port } = new URL(clientUrl as string);
  return new RawClient({ host: hostname, port: Number(port) });
}

function ask<Request, Response>(
  method: MethodDefinition<Request, Response>,
  request: Partial<Request>,
  token?: string,
): Promise<Response> {
  const whole = { ...method.requestDeserialize(Buffer.alloc(0)), ...request };
  return (client as RawClient).unary(method, whole, token === undefined ? {} : { token });
}

const bytes = (text: string) => Buffer.from(text);

describe('the audit log', () => {
  test('tells who changed what, when, from where, and how that ended', async () => {
    const entries = await start();
    const { member } = running as RunningMember;

    await ask(KVService.put, { key: bytes('a'), value: bytes('the value') });
    await ask(KVService.range, { key: bytes('a') });
    await expect(ask(KVService.put, { key: bytes(''), value: bytes('v') })).rejects.toThrow();

    expect(entries).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        method: 'etcdserverpb.KV/Put',
        peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        member: member.memberId.toString(16),
        keys: [{ op: 'put', key: 'a' }],
        revision: 2,
        durationMs: expect.any(Number),
      },
      expect.objectContaining({ method: 'etcdserverpb.KV/Put', keys: [{ op: 'put', key: '' }], code: 'EMPTY_KEY' }),
    ]);
  });

  test('tells of calls over HTTP as of the same', async () => {
    const entries = await start();
    const body = JSON.stringify({ key: bytes('a').toString('base64'), value: bytes('v').toString('base64') });

    await fetch(`${running?.clientUrl}/v3/kv/put`, { method: 'POST', body });
    await fetch(`${running?.clientUrl}/v3/maintenance/defragment`, { method: 'POST', body: '{}' });

    expect(entries).toMatchObject([
      { method: 'etcdserverpb.KV/Put', keys: [{ op: 'put', key: 'a' }], revision: 2 },
      { method: 'etcdserverpb.Maintenance/Defragment' },
    ]);
    expect(entries[0]?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test('names users, tells of those who were refused, and never tells a password or a token', async () => {
    const entries = await start();
    await ask(AuthService.userAdd, { name: 'root', password: 'top-secret' });
    await ask(AuthService.userAdd, { name: 'ann', password: 'ann-secret' });
    await ask(AuthService.roleAdd, { name: 'root' });
    await ask(AuthService.userGrantRole, { user: 'root', role: 'root' });
    await ask(AuthService.authEnable, {});
    const { token } = await ask(AuthService.authenticate, { name: 'root', password: 'top-secret' });
    const { token: anns } = await ask(AuthService.authenticate, { name: 'ann', password: 'ann-secret' });
    await expect(ask(AuthService.authenticate, { name: 'ann', password: 'bad-secret' })).rejects.toThrow();
    await ask(KVService.put, { key: bytes('a'), value: bytes('v') }, token);
    await expect(ask(KVService.put, { key: bytes('b'), value: bytes('v') }, anns)).rejects.toThrow();
    await expect(ask(MaintenanceService.defragment, {}, 'Forged.1')).rejects.toThrow();

    const short = entries.map(({ method, user, code, facts }) => ({
      method: method.split('/')[1],
      user,
      code,
      ...facts,
    }));
    expect(short.slice(4)).toEqual([
      { method: 'AuthEnable' },
      { method: 'Authenticate', name: 'root' },
      { method: 'Authenticate', name: 'ann' },
      { method: 'Authenticate', name: 'ann', code: 'AUTHENTICATION_FAILED' },
      { method: 'Put', user: 'root' },
      { method: 'Put', user: 'ann', code: 'PERMISSION_DENIED' },
      { method: 'Defragment', code: 'INVALID_AUTH_TOKEN' },
    ]);
    const text = JSON.stringify(entries);
    for (const secret of ['secret', token, anns, 'Forged']) expect(text).not.toContain(secret);
  });

  test('is a file of lines, which has everything once the member is closed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-audit-'));
    const auditLog = join(folder, 'audit.jsonl');
    running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', auditLog });
    client = dial(running);
    await Promise.all(Array.from({ length: 20 }, (_, at) => ask(KVService.put, { key: bytes(`k${at}`) })));

    await running.close();

    const lines = (await readFile(auditLog, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEntry);
    expect(lines.map(({ revision }) => revision).sort((a = 0, b = 0) => a - b)).toEqual(lines.map((_, at) => at + 2));
    expect(lines).toHaveLength(20);
    await rm(folder, { recursive: true });
  });

  test('that cannot be written, or has nobody to tell of, is refused before anything starts', async () => {
    const listen = 'http://127.0.0.1:0';
    for (const [options, why] of [
      [{ listen, auditLog: '/no/such/folder/audit' }, /auditLog is "\/no\/such\/folder\/audit".*ENOENT/],
      [{ listen, auditLog: '' }, /auditLog is ""/],
      [{ auditLog: 'audit' }, /auditLog is "without listen"/],
    ] as const) {
      await expect(startMember({ memory: true }, options)).rejects.toThrow(why);
    }
  });
});
