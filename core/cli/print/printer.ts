import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import { type Json, writeJson } from './go-json.js';
import { drawTable, type Table } from './table.js';

/** How results can be told. */
export const FORMS = ['simple', 'json', 'table', 'fields', 'protobuf'] as const;

export type Form = (typeof FORMS)[number];

/** A line, or the bytes of one. The printer ends it. */
export type Line = string | Uint8Array;

/** What of the flags changes the words. */
export interface Style {
  /** Keys and values as `\x61`. */
  readonly isHex: boolean;
}

/**
 * How one kind of result is told: its words in each form that it has. A new command needs these, and nothing else, to
 * be told in all forms.
 */
export interface Words<Result> {
  readonly simple?: (result: Result, style: Style) => readonly Line[];
  readonly json?: (result: Result, style: Style) => Json;
  readonly fields?: (result: Result) => readonly Line[];
  readonly table?: (result: Result) => Table;
  readonly protobuf?: (result: Result) => BinaryWriter;
}

/** The result of a command cannot be told in the form that was asked for. */
export class UnsupportedFormError extends Error {
  constructor(readonly form: Form) {
    super(`${form} not supported as output format`);
  }
}

/** Turns results into what is written, in one form. */
export interface Printer {
  readonly form: Form;
  /**
   * What will tell results of a kind. Asked for before anything is done, so that nothing is done which cannot be told.
   *
   * @throws {@link UnsupportedFormError}
   */
  teller<Result>(words: Words<Result>): (result: Result) => Uint8Array;
}

/** The printer of a form. */
export function printerOf(form: Form, style: Style): Printer {
  return {
    form,
    teller(words) {
      if (words[form] === undefined) throw new UnsupportedFormError(form);
      return TELLERS[form](words, style);
    },
  };
}

type Teller = <Result>(words: Words<Result>, style: Style) => (result: Result) => Uint8Array;

/** Each is asked only for words that are there. */
const TELLERS: Readonly<Record<Form, Teller>> = {
  simple: (words, style) => (result) => linesOf(words.simple?.(result, style) ?? []),
  json: (words, style) => (result) => linesOf([writeJson(words.json?.(result, style) ?? null)]),
  fields: (words) => (result) => linesOf(words.fields?.(result) ?? []),
  table: (words) => (result) => linesOf(words.table === undefined ? [] : [drawTable(words.table(result))]),
  protobuf: (words) => (result) => words.protobuf?.(result).finish() ?? new Uint8Array(0),
};

const LINE_END = Buffer.from('\n');

function linesOf(lines: readonly Line[]): Uint8Array {
  return Buffer.concat(
    lines.flatMap((line) => [typeof line === 'string' ? Buffer.from(line) : Buffer.from(line), LINE_END]),
  );
}
