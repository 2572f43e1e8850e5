import type { ResponseHeader } from '../../rpc/gen/header.js';
import { type Json, toJson } from '../print/go-json.js';
import type { Line, Words } from '../print/printer.js';

/** What every answer begins with. */
export interface Answer {
  readonly header: ResponseHeader | undefined;
}

/** An answer's header in the form `fields`. */
export function headerFields(header: ResponseHeader | undefined): Line[] {
  return [
    `"ClusterID" : ${header?.clusterId ?? 0n}`,
    `"MemberID" : ${header?.memberId ?? 0n}`,
    `"Revision" : ${header?.revision ?? 0}`,
    `"RaftTerm" : ${header?.raftTerm ?? 0}`,
  ];
}

/** The header's own fields, for answers that etcdctl tells without a `header` around them. */
export function headerJson(header: ResponseHeader | undefined): { readonly [name: string]: Json } {
  return header === undefined ? {} : toJson(header);
}

/** What tells nothing but that it was done, as most changes do. */
export function doneWords<Done extends { readonly answer: Answer }>(
  text: (done: Done) => string,
  protobuf?: Words<Done>['protobuf'],
): Words<Done> {
  return {
    simple: (done) => [text(done)],
    json: ({ answer }) => toJson(answer),
    fields: ({ answer }) => headerFields(answer.header),
    ...(protobuf && { protobuf }),
  };
}
