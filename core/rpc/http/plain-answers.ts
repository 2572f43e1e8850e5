import type { ServerResponse } from 'node:http';

const PLAIN = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } as const;

/** Answers with a text. */
export function answer(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = PLAIN,
): void {
  const body = Buffer.from(text);
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(body);
}

/** Answers with a text that says what was wrong, on a line. */
export function answerError(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(response, status, `${text}\n`, { ...PLAIN, ...headers });
}

/** Says that something can only be read. */
export function answerReadOnly(response: ServerResponse): void {
  answerError(response, 405, 'Method Not Allowed', { allow: 'GET' });
}
