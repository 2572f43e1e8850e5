/** Members, told. */
import {
  type Member,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
} from '../../../rpc/gen/cluster.js';
import type { ResponseHeader } from '../../../rpc/gen/header.js';
import { type Json, toJson } from '../../print/go-json.js';
import { goQuote } from '../../print/go-quote.js';
import type { Line, Words } from '../../print/printer.js';
import type { Table } from '../../print/table.js';
import { hex, paddedHex } from '../../print/wording.js';
import { headerFields } from '../header-words.js';

export const MEMBERS_WORDS: Words<MemberListResponse> = {
  simple: ({ members }) => membersTable(members).rows.map((row) => row.join(', ')),
  json: (answer, { isHex }) => (isHex ? withHexIds(answer) : toJson(answer)),
  fields: ({ header, members }) => [...headerFields(header), ...members.flatMap(memberFields)],
  table: ({ members }) => membersTable(members),
  protobuf: (answer) => MemberListResponse.encode(answer),
};

/** A member that was added; `replaces` is the dead one whose place it takes. */
export interface AddedMember {
  readonly name: string;
  readonly added: Member;
  readonly replaces?: bigint;
  readonly answer: { readonly header: ResponseHeader | undefined; readonly members: readonly Member[] };
}

export const ADDED_WORDS: Words<AddedMember> = {
  simple: ({ name, added, replaces, answer }) => [
    `Member ${paddedHex(added.ID)} added${added.isLearner ? ' as learner' : ''} to cluster ${clusterOf(answer)}`,
    ...(replaces === undefined ? [] : [`It takes the place of member ${paddedHex(replaces)} once it has caught up`]),
    ...variableLines(name, added, answer.members),
  ],
  json: ({ answer }) => toJson(answer),
};

/** A change of a member that is told in one line. */
export interface ChangedMember<Answer extends { readonly header: ResponseHeader | undefined }> {
  readonly id: bigint;
  readonly answer: Answer;
}

export const REMOVED_WORDS: Words<ChangedMember<MemberRemoveResponse>> = {
  simple: ({ id, answer }) => [`Member ${paddedHex(id)} removed from cluster ${clusterOf(answer)}`],
  json: ({ answer }) => toJson(answer),
  protobuf: ({ answer }) => MemberRemoveResponse.encode(answer),
};

export const UPDATED_WORDS: Words<ChangedMember<MemberUpdateResponse>> = {
  simple: ({ id, answer }) => [`Member ${paddedHex(id)} updated in cluster ${clusterOf(answer)}`],
  json: ({ answer }) => toJson(answer),
  protobuf: ({ answer }) => MemberUpdateResponse.encode(answer),
};

export const PROMOTED_WORDS: Words<ChangedMember<MemberPromoteResponse>> = {
  simple: ({ id, answer }) => [`Member ${paddedHex(id)} promoted in cluster ${clusterOf(answer)}`],
  json: ({ answer }) => toJson(answer),
  protobuf: ({ answer }) => MemberPromoteResponse.encode(answer),
};

function membersTable(members: readonly Member[]): Table {
  return {
    head: ['ID', 'STATUS', 'NAME', 'PEER ADDRS', 'CLIENT ADDRS', 'IS LEARNER'],
    rows: members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => [
      hex(ID),
      name === '' ? 'unstarted' : 'started',
      name,
      peerURLs.join(','),
      clientURLs.join(','),
      String(isLearner),
    ]),
  };
}

function memberFields({ ID, name, peerURLs, clientURLs, isLearner }: Member): Line[] {
  return [
    `"ID" : ${ID}`,
    `"Name" : ${goQuote(name)}`,
    ...peerURLs.map((url) => `"PeerURL" : ${goQuote(url)}`),
    ...clientURLs.map((url) => `"ClientURL" : ${goQuote(url)}`),
    `"IsLearner" : ${isLearner}`,
    '',
  ];
}

/** Ids as texts of hexadecimal digits, as etcdctl from 3.5 on has them with `--hex`. */
function withHexIds({ header, members }: MemberListResponse): Json {
  return {
    header: {
      cluster_id: hex(header?.clusterId ?? 0n),
      member_id: hex(header?.memberId ?? 0n),
      raft_term: header?.raftTerm ?? 0,
    },
    members: members.map((member) => ({ ...toJson(member), ID: hex(member.ID) })),
  };
}

/** What the new member's process wants to know. Members that have not started have no name yet, as in etcd. */
function variableLines(name: string, added: Member, members: readonly Member[]): Line[] {
  const named = members.map((member) => (member.ID === added.ID ? { ...member, name } : member));
  const cluster = named.flatMap((member) => member.peerURLs.map((url) => `${member.name}=${url}`));
  return [
    '',
    `ETCD_NAME=${JSON.stringify(name)}`,
    `ETCD_INITIAL_CLUSTER=${JSON.stringify(cluster.join(','))}`,
    `ETCD_INITIAL_ADVERTISE_PEER_URLS=${JSON.stringify(added.peerURLs.join(','))}`,
    'ETCD_INITIAL_CLUSTER_STATE="existing"',
  ];
}

function clusterOf({ header }: { readonly header: ResponseHeader | undefined }): string {
  return paddedHex(header?.clusterId ?? 0n);
}
