import { Agent, type IncomingMessage, request } from 'node:http';
import { status } from '@grpc/grpc-js';
import type { CallMade, CallRefusal } from './door.js';
import type { Method } from './draw/methods.js';
import { Finding } from './target.js';

/** Connections for calls that end by themselves; the others have one each. */
const CONNECTIONS = 32;
/** An answer of which only so much is looked at. */
const LOOKED_AT_BYTES = 64 * 1024;

/** Calls by the HTTP/JSON gateway. */
export class GatewayDoor {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #waiting = new Agent({ keepAlive: false });
  readonly #address: { readonly host: string; readonly port: number };

  constructor(address: { readonly host: string; readonly port: number }) {
    this.#address = address;
  }

  make({ jsonPath, carries }: Method, body: Buffer, headers: Readonly<Record<string, string>>): CallMade {
    const waits = carries === 'waits' || carries === 'watch';
    const agent = waits ? this.#waiting : this.#agent;
    const call = request({ ...this.#address, agent, method: 'POST', path: jsonPath as string, headers });
    let isCancelled = false;
    const ended = new Promise<CallRefusal | undefined>((resolve) => {
      call.on('response', (response) => void read(response).then(resolve));
      call.on('error', (error: NodeJS.ErrnoException) => resolve(isCancelled ? CANCELLED : lost(error)));
      call.on('close', () => resolve(isCancelled ? CANCELLED : undefined));
    });
    call.end(body);
    const cancel = () => {
      isCancelled = true;
      call.destroy();
    };
    return { ended, waits, cancel };
  }

  close(): void {
    this.#agent.destroy();
    this.#waiting.destroy();
  }
}

const CANCELLED: CallRefusal = { code: status.CANCELLED, details: 'cancelled' };

function lost(error: Error): CallRefusal {
  return { code: status.INTERNAL, details: `the connection was lost: ${error.message}` };
}

async function read(response: IncomingMessage): Promise<CallRefusal | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      if (bytes < LOOKED_AT_BYTES) chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  } catch {
    return CANCELLED;
  }
  if (response.statusCode === 200) return undefined;
  return refusalOf(response.statusCode as number, Buffer.concat(chunks).toString());
}

/** @throws {@link Finding} if a failure is not told as failures are */
function refusalOf(httpStatus: number, text: string): CallRefusal {
  try {
    const told = JSON.parse(text) as { readonly error?: Failure } & Failure;
    const { code, message } = told.error ?? told;
    if (typeof code === 'number' && typeof message === 'string') return { code, details: message };
  } catch {
    // It says so below.
  }
  throw new Finding(`the gateway answered ${httpStatus} with ${text.slice(0, 200)}`);
}

interface Failure {
  readonly code: number;
  readonly message: string;
}
