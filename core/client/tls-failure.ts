import { TlsFailedError, type TlsProblem } from '../base/errors.js';

/** What grpc-js says of a connection that did not come about: the words of Node and OpenSSL, for it passes on nothing else. */
const SIGNS: readonly (readonly [RegExp, TlsProblem])[] = [
  [/certificate has expired/, 'EXPIRED'],
  [/certificate is not yet valid/, 'NOT_YET_VALID'],
  [/certificate revoked/, 'REVOKED'],
  [/CRL has expired|certificate CRL|CRL is not yet valid/, 'REVOCATION_UNKNOWN'],
  [/ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames/, 'WRONG_HOST'],
  [/self[- ]signed certificate|unable to get (?:local )?issuer|unable to verify the first/, 'UNKNOWN_AUTHORITY'],
  [/wrong version number|packet length too long/, 'PLAIN_TEXT_SERVER'],
  [/alert (?:protocol version|insufficient security)|unsupported protocol/, 'NOTHING_IN_COMMON'],
  [/alert (?:certificate required|handshake failure|bad certificate|unknown ca|certificate \w+)/, 'OWN_CERTIFICATE'],
];

/** What to do about each. */
const ADVICE: Readonly<Record<TlsProblem, string>> = {
  EXPIRED: 'its certificate has expired: renew it there, or look at the clocks of both machines',
  NOT_YET_VALID: 'its certificate is not valid yet: look at the clocks of both machines',
  REVOKED: 'its certificate was revoked by its authority: do not trust it; give the server another one',
  REVOCATION_UNKNOWN:
    'whether its certificate was revoked cannot be told: give a list of each authority that is not out of date in tls.crl',
  WRONG_HOST: 'its certificate is for another host: use an address that it names, or give that name in tls.serverName',
  UNKNOWN_AUTHORITY: 'its certificate was signed by an authority that is not known here: give that one in tls.ca',
  PLAIN_TEXT_SERVER: 'it does not speak TLS: use http:// in place of https://, or set TLS up there',
  NOTHING_IN_COMMON: 'both have no version of TLS or cipher suite in common',
  OWN_CERTIFICATE:
    'it wants a certificate that it believes: give one in tls.cert and tls.key that its authority signed',
};

/**
 * What is wrong with TLS towards an endpoint, if that is why it cannot be reached.
 *
 * @param why - as grpc-js has it
 */
export function tlsFailure(endpoint: string, why: string): TlsFailedError | undefined {
  const problem = SIGNS.find(([sign]) => sign.test(why))?.[1];
  return problem && new TlsFailedError(endpoint, problem, ADVICE[problem]);
}

/** What else may be meant by an endpoint that closes connections without a word. */
export function hintOf(why: string, hasTls: boolean): string {
  if (!/Failed to connect|ECONNRESET|disconnected before secure TLS/.test(why)) return '';
  return hasTls
    ? ' (it closed the connection: perhaps it does not believe our certificate, or speaks no TLS)'
    : ' (it closed the connection: perhaps it speaks TLS, which https:// asks for)';
}
