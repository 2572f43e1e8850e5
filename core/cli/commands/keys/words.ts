/** Keys and values, told. */
import { DeleteRangeResponse, PutResponse, RangeResponse, type ResponseOp, TxnResponse } from '../../../rpc/gen/kv.js';
import type { KeyValue } from '../../../rpc/gen/mvcc.js';
import { toJson } from '../../print/go-json.js';
import { goQuote } from '../../print/go-quote.js';
import type { Line, Style, Words } from '../../print/printer.js';
import { headerFields } from '../header-words.js';

/** A key and its value, a line each. */
export function kvLines({ key, value }: KeyValue, { isHex }: Style): Line[] {
  return isHex ? [hexDigits(key), hexDigits(value)] : [key, value];
}

/** A key's fields, their names behind a prefix. */
export function kvFields(kv: KeyValue, prefix = ''): Line[] {
  return [
    `"${prefix}Key" : ${goQuote(kv.key)}`,
    `"${prefix}CreateRevision" : ${kv.createRevision}`,
    `"${prefix}ModRevision" : ${kv.modRevision}`,
    `"${prefix}Version" : ${kv.version}`,
    `"${prefix}Value" : ${goQuote(kv.value)}`,
    `"${prefix}Lease" : ${kv.lease}`,
  ];
}

/** What a range of keys holds. */
export const GET_WORDS: Words<RangeResponse> = {
  simple: ({ kvs }, style) => kvs.flatMap((kv) => kvLines(kv, style)),
  json: toJson,
  fields: ({ header, kvs, more, count }) => [
    ...headerFields(header),
    ...kvs.flatMap((kv) => kvFields(kv)),
    `"More" : ${more}`,
    `"Count" : ${count}`,
  ],
  protobuf: (answer) => RangeResponse.encode(answer),
};

/** The same without keys. */
export const VALUE_WORDS: Words<RangeResponse> = {
  simple: ({ kvs }, { isHex }) => kvs.map(({ value }) => (isHex ? hexDigits(value) : value)),
};

/** The same without keys and values. */
export const COUNT_WORDS: Words<RangeResponse> = { ...GET_WORDS, simple: ({ count }) => [String(count)] };

/** What a put did. */
export const PUT_WORDS: Words<PutResponse> = {
  simple: ({ prevKv }, style) => ['OK', ...(prevKv ? kvLines(prevKv, style) : [])],
  json: toJson,
  fields: ({ header, prevKv }) => [...headerFields(header), ...(prevKv ? kvFields(prevKv, 'Prev') : [])],
  protobuf: (answer) => PutResponse.encode(answer),
};

/** What a deletion did. */
export const DELETE_WORDS: Words<DeleteRangeResponse> = {
  simple: ({ deleted, prevKvs }, style) => [String(deleted), ...prevKvs.flatMap((kv) => kvLines(kv, style))],
  json: toJson,
  fields: ({ header, deleted, prevKvs }) => [
    ...headerFields(header),
    `"Deleted" : ${deleted}`,
    ...prevKvs.flatMap((kv) => kvFields(kv, 'Prev')),
  ],
  protobuf: (answer) => DeleteRangeResponse.encode(answer),
};

/** What a transaction did. */
export const TXN_WORDS: Words<TxnResponse> = {
  simple: ({ succeeded, responses }, style) => [
    succeeded ? 'SUCCESS' : 'FAILURE',
    ...responses.flatMap((response) => ['', ...operationLines(response, style)]),
  ],
  json: toJson,
  fields: ({ header, succeeded, responses }) => [
    ...headerFields(header),
    `"Succeeded" : ${succeeded}`,
    ...responses.flatMap(operationFields),
  ],
  protobuf: (answer) => TxnResponse.encode(answer),
};

function operationLines({ response }: ResponseOp, style: Style): readonly Line[] {
  switch (response?.$case) {
    case 'responseRange':
      return GET_WORDS.simple?.(response.responseRange, style) ?? [];
    case 'responsePut':
      return PUT_WORDS.simple?.(response.responsePut, style) ?? [];
    case 'responseDeleteRange':
      return DELETE_WORDS.simple?.(response.responseDeleteRange, style) ?? [];
    case 'responseTxn':
      return TXN_WORDS.simple?.(response.responseTxn, style) ?? [];
    case undefined:
      return [];
  }
}

function operationFields({ response }: ResponseOp): readonly Line[] {
  switch (response?.$case) {
    case 'responseRange':
      return GET_WORDS.fields?.(response.responseRange) ?? [];
    case 'responsePut':
      return PUT_WORDS.fields?.(response.responsePut) ?? [];
    case 'responseDeleteRange':
      return DELETE_WORDS.fields?.(response.responseDeleteRange) ?? [];
    case 'responseTxn':
      return TXN_WORDS.fields?.(response.responseTxn) ?? [];
    case undefined:
      return [];
  }
}

function hexDigits(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
