/** How members are, told. */
import type { ResponseHeader } from '../../../rpc/gen/header.js';
import type { HashKVResponse, StatusResponse } from '../../../rpc/gen/maintenance.js';
import { type Json, toJson } from '../../print/go-json.js';
import { goQuote } from '../../print/go-quote.js';
import type { Words } from '../../print/printer.js';
import type { Table } from '../../print/table.js';
import { hex, humanBytes } from '../../print/wording.js';
import { headerFields } from '../header-words.js';

export interface EndpointStatus {
  readonly endpoint: string;
  readonly status: StatusResponse;
}

export interface EndpointHealth {
  readonly endpoint: string;
  /** How long it took to find out, as Go prints it. */
  readonly took: string;
  /** Why it is not healthy, if it is not. */
  readonly error?: string;
}

export interface EndpointHash {
  readonly endpoint: string;
  readonly hash: HashKVResponse;
}

export const STATUS_WORDS: Words<readonly EndpointStatus[]> = {
  simple: (all) => statusTable(all).rows.map((row) => row.join(', ')),
  json: (all) => all.map(({ endpoint, status }) => ({ Endpoint: endpoint, Status: statusJson(status) })),
  fields: (all) =>
    all.flatMap(({ endpoint, status }) => [
      ...headerFields(status.header),
      `"Version" : ${goQuote(status.version)}`,
      `"DBSize" : ${status.dbSize}`,
      `"Leader" : ${status.leader}`,
      `"IsLearner" : ${status.isLearner}`,
      `"RaftIndex" : ${status.raftIndex}`,
      `"RaftTerm" : ${status.raftTerm}`,
      `"RaftAppliedIndex" : ${status.raftAppliedIndex}`,
      `"Errors" : [${status.errors.join(' ')}]`,
      `"Endpoint" : ${goQuote(endpoint)}`,
      '',
    ]),
  table: statusTable,
};

/** Those that are not healthy are told as errors in the form `simple`. */
export const HEALTH_WORDS: Words<readonly EndpointHealth[]> = {
  simple: (all) =>
    all
      .filter(({ error }) => error === undefined)
      .map(({ endpoint, took }) => `${endpoint} is healthy: successfully committed proposal: took = ${took}`),
  json: (all) =>
    all.map(({ endpoint, took, error }) => ({
      ...{ endpoint, health: error === undefined, took },
      ...(error !== undefined && { error }),
    })),
  fields: (all) =>
    all.flatMap(({ endpoint, took, error }) => [
      `"Endpoint" : ${goQuote(endpoint)}`,
      `"Health" : ${error === undefined}`,
      `"Took" : ${took}`,
      `"Error" : ${error ?? ''}`,
      '',
    ]),
  table: (all) => ({
    head: ['ENDPOINT', 'HEALTH', 'TOOK', 'ERROR'],
    rows: all.map(({ endpoint, took, error }) => [endpoint, String(error === undefined), took, error ?? '']),
  }),
};

export const HASH_WORDS: Words<readonly EndpointHash[]> = {
  simple: (all) => all.map(({ endpoint, hash }) => `${endpoint}, ${hash.hash}`),
  json: (all) => all.map(({ endpoint, hash }) => ({ Endpoint: endpoint, HashKV: toJson(hash) })),
  fields: (all) =>
    all.flatMap(({ endpoint, hash }) => [
      ...headerFields(hash.header),
      `"Endpoint" : ${goQuote(endpoint)}`,
      `"Hash" : ${hash.hash}`,
      '',
    ]),
  table: (all) => ({ head: ['ENDPOINT', 'HASH'], rows: all.map(({ endpoint, hash }) => [endpoint, hash.hash]) }),
};

const STATUS_HEAD = [
  ...['ENDPOINT', 'ID', 'VERSION', 'DB SIZE', 'IS LEADER', 'IS LEARNER', 'RAFT TERM', 'RAFT INDEX'],
  ...['RAFT APPLIED INDEX', 'ERRORS'],
];

function statusTable(all: readonly EndpointStatus[]): Table {
  return { head: STATUS_HEAD, rows: all.map(statusRow) };
}

function statusRow({ endpoint, status }: EndpointStatus): readonly (string | number)[] {
  const memberId = status.header?.memberId ?? 0n;
  return [
    endpoint,
    hex(memberId),
    status.version,
    humanBytes(status.dbSize),
    String(status.leader === memberId),
    String(status.isLearner),
    status.raftTerm,
    status.raftIndex,
    status.raftAppliedIndex,
    status.errors.join(', '),
  ];
}

/** Unlike other messages of etcd's, this one's names have no underscores; its header's have. */
function statusJson({ header, downgradeInfo, ...fields }: StatusResponse): Json {
  const present = Object.entries(fields).filter(([, value]) => !isZero(value)) as [string, Json][];
  const downgrade = downgradeInfo?.enabled === true ? { downgradeInfo: { ...downgradeInfo } } : {};
  return {
    ...(header && { header: toJson(header satisfies ResponseHeader) }),
    ...Object.fromEntries(present),
    ...downgrade,
  };
}

function isZero(value: unknown): boolean {
  return value === 0 || value === 0n || value === '' || value === false || (Array.isArray(value) && value.length === 0);
}
