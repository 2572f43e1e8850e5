import { expect, test } from '@jest/globals';
import { formatUrl, parseUrl } from './address.js';

test.each([
  ['http://10.0.0.1:2380', { host: '10.0.0.1', port: 2380, isTls: false }],
  ['https://node-1.example:2380', { host: 'node-1.example', port: 2380, isTls: true }],
  ['http://[::1]:2380', { host: '::1', port: 2380, isTls: false }],
  ['http://node', { host: 'node', port: 80, isTls: false }],
  ['https://node:443', { host: 'node', port: 443, isTls: true }],
])('%s is where a member listens', (url, endpoint) => {
  expect(parseUrl(url)).toEqual(endpoint);
});

test.each(['', 'node:2380', 'unix:///tmp/socket', 'http://', 'http://node:0', 'http://node:70000'])(
  '%j is not',
  (url) => {
    expect(parseUrl(url)).toBeUndefined();
  },
);

test('an address becomes the URL that leads to it', () => {
  for (const url of ['http://10.0.0.1:2380', 'https://[::1]:2380', 'http://node:80']) {
    expect(formatUrl(parseUrl(url)!)).toBe(url);
  }
});
