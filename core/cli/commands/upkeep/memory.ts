import { readFile } from 'node:fs/promises';
import { get as getPlainly } from 'node:http';
import { get as getSecurely } from 'node:https';
import type { GlobalSettings } from '../../asking/global-flags.js';

const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const LINE = /^process_resident_memory_bytes (\S+)$/m;

/** The memory that a member's process has, as its metrics tell; undefined if they do not. */
export async function residentBytes(endpoint: string, settings: GlobalSettings): Promise<number | undefined> {
  try {
    const found = LINE.exec(await metricsOf(endpoint, settings))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

async function bytesOf(file: string | undefined): Promise<Buffer | undefined> {
  return file === undefined ? undefined : readFile(file);
}

async function metricsOf(endpoint: string, settings: GlobalSettings): Promise<string> {
  const { cacert, cert, key } = settings;
  const isSecure = endpoint.startsWith('https://') || cacert !== undefined || cert !== undefined;
  const host = endpoint.replace(/^https?:\/\//, '');
  const url = new URL(`${isSecure ? 'https' : 'http'}://${host}/metrics`);
  const [ca, chain, secret] = await Promise.all([cacert, cert, key].map(bytesOf));
  const tls = { ca, cert: chain, key: secret, rejectUnauthorized: !settings['insecure-skip-tls-verify'] };
  const signal = AbortSignal.timeout(settings['command-timeout']);
  return new Promise((resolve, reject) => {
    const request = isSecure ? getSecurely(url, { ...tls, signal }) : getPlainly(url, { signal });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_BYTES_MAX) request.destroy(new Error('the answer is too long'));
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
  });
}
