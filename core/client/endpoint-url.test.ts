import { describe, expect, test } from '@jest/globals';
import { parseEndpointUrl } from './endpoint-url.js';

const TLS = { serverName: 'members' };

describe('the URL of an endpoint', () => {
  test.each([
    ['http://a', { host: 'a', port: 2_379 }],
    ['http://a:80/', { host: 'a', port: 80 }],
    ['http://[::1]:5', { host: '::1', port: 5 }],
    ['https://a', { host: 'a', port: 2_379, tls: TLS }],
    ['https://a:443', { host: 'a', port: 443, tls: TLS }],
    ['unix:///run/a', { host: 'localhost', port: 0, path: '/run/a' }],
    ['unixs:///run/a', { host: 'localhost', port: 0, path: '/run/a', tls: TLS }],
  ])('%s', (url, address) => {
    expect(parseEndpointUrl(url, TLS)).toEqual(address);
  });

  test.each(['', 'a:1', 'ftp://a', 'http://', 'http://a:99999', 'http://u@a', 'http://a/b', 'http://a?b', 'unix://'])(
    '%j is none',
    (url) => {
      expect(parseEndpointUrl(url, TLS)).toBeUndefined();
    },
  );

  test('with TLS asks for what Node believes, if no certificates are given', () => {
    expect(parseEndpointUrl('https://a:1', undefined)).toEqual({ host: 'a', port: 1, tls: true });
  });
});
