/** Leases, told. */
import {
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeResponse,
  LeaseTimeToLiveResponse,
} from '../../rpc/gen/lease.js';
import { goQuote } from '../print/go-quote.js';
import type { Words } from '../print/printer.js';
import { leaseHex } from '../print/wording.js';
import { doneWords, headerFields, headerJson } from './header-words.js';

export const GRANT_WORDS: Words<LeaseGrantResponse> = {
  simple: ({ ID, TTL }) => [`lease ${leaseHex(ID)} granted with TTL(${TTL}s)`],
  json: ({ header, ID, TTL, error }) => ({ ...headerJson(header), ID, TTL, Error: error }),
  fields: ({ header, ID, TTL }) => [...headerFields(header), `"ID" : ${ID}`, `"TTL" : ${TTL}`],
  protobuf: (answer) => LeaseGrantResponse.encode(answer),
};

export const REVOKE_WORDS = doneWords<{ readonly id: bigint; readonly answer: LeaseRevokeResponse }>(
  ({ id }) => `lease ${leaseHex(id)} revoked`,
  ({ answer }) => LeaseRevokeResponse.encode(answer),
);

export const KEEP_ALIVE_WORDS: Words<LeaseKeepAliveResponse> = {
  simple: ({ ID, TTL }) => [`lease ${leaseHex(ID)} keepalived with TTL(${TTL})`],
  json: ({ header, ID, TTL }) => ({ ...headerJson(header), ID, TTL }),
  fields: ({ header, ID, TTL }) => [...headerFields(header), `"ID" : ${ID}`, `"TTL" : ${TTL}`],
  protobuf: (answer) => LeaseKeepAliveResponse.encode(answer),
};

/** What is left of a lease; with its keys, if they were asked for. */
export function timeToLiveWords(withKeys: boolean): Words<LeaseTimeToLiveResponse> {
  return {
    simple: ({ ID, TTL, grantedTTL, keys }) => {
      if (TTL === -1n && grantedTTL === 0n) return [`lease ${leaseHex(ID)} already expired`];
      const text = `lease ${leaseHex(ID)} granted with TTL(${grantedTTL}s), remaining(${TTL}s)`;
      if (!withKeys) return [text];
      const names = keys.flatMap((key, index) => (index === 0 ? [key] : [Buffer.from(' '), key]));
      return [Buffer.concat([Buffer.from(`${text}, attached keys([`), ...names, Buffer.from('])')])];
    },
    json: ({ header, ID, TTL, grantedTTL, keys }) => ({
      ...headerJson(header),
      id: ID,
      ttl: TTL,
      'granted-ttl': grantedTTL,
      keys: keys.length === 0 ? null : keys.map((key) => key.toString('base64')),
    }),
    fields: ({ header, ID, TTL, grantedTTL, keys }) => [
      ...headerFields(header),
      `"ID" : ${ID}`,
      `"TTL" : ${TTL}`,
      `"GrantedTTL" : ${grantedTTL}`,
      ...keys.map((key) => `"Key" : ${goQuote(key)}`),
    ],
    protobuf: (answer) => LeaseTimeToLiveResponse.encode(answer),
  };
}

export const LEASES_WORDS: Words<LeaseLeasesResponse> = {
  simple: ({ leases }) => [`found ${leases.length} leases`, ...leases.map(({ ID }) => leaseHex(ID))],
  json: ({ header, leases }) => ({ ...headerJson(header), leases: leases.map(({ ID }) => ({ id: ID })) }),
  fields: ({ header, leases }) => [...headerFields(header), ...leases.map(({ ID }) => `"ID" : ${ID}`)],
  protobuf: (answer) => LeaseLeasesResponse.encode(answer),
};
