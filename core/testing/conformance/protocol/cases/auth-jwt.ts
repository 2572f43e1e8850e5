import { at, gives, like, on, onPurpose, range, rule, stream, topic } from '../notation.js';
import { as, auth, ENABLED, enabledFor, login, userAdd } from './auth-setup.js';
import { AUTH_FAILED, AUTH_REVISION_OLD, BAD_TOKEN, DENIED } from './wire-errors.js';

const watch = stream('Watch/Watch');
/** The header and claims that root's might have, signed with another key. */
const FORGED =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjQxMDI0NDQ4MDAsInJldmlzaW9uIjoxLCJ1c2VybmFtZSI6InJvb3QifQ.c2lnbmF0dXJl';
/** The same, said to need no signature. */
const UNSIGNED =
  'eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJleHAiOjQxMDI0NDQ4MDAsInJldmlzaW9uIjoxLCJ1c2VybmFtZSI6InJvb3QifQ.';

/** Tokens that are signed. */
export const authJwt = topic(
  'Auth',
  on(
    'jwt',
    rule(
      'a signed token has three parts',
      ENABLED,
      auth(
        'Authenticate',
        { name: 'root', password: 'root-password' },
        at('r', { token: like(/^[\w-]+\.[\w-]+\.[\w-]+$/) }),
      ),
    ),
    rule('a signed token names its user', userAdd('a'), ENABLED, login('a'), range({ key: '~a' }, DENIED, as('a'))),
    rule(
      'a wrong password gets no signed token',
      ENABLED,
      auth('Authenticate', { name: 'root', password: 'x' }, AUTH_FAILED),
    ),
    rule('a token that others signed is refused', ENABLED, range({ key: '~a' }, BAD_TOKEN, { token: FORGED })),
    rule('a token that nobody signed is refused', ENABLED, range({ key: '~a' }, BAD_TOKEN, { token: UNSIGNED })),
    rule('a text that is no token is refused', ENABLED, range({ key: '~a' }, BAD_TOKEN, { token: 'nonsense' })),
    rule('an empty signed token is refused', ENABLED, range({ key: '~a' }, BAD_TOKEN, { token: '' })),
    rule(
      'a signed token ends with a change of its own user',
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('UserChangePassword', { name: 'a', password: 'q' }, at('r'), as('root')),
      range({ key: '~a' }, AUTH_REVISION_OLD, as('a')),
      login('a', 'q'),
      range({ key: '~a' }, DENIED, as('a')),
    ),
    rule(
      'a signed token, when somebody else is changed',
      enabledFor('a', ['READ', '~a']),
      auth('UserAdd', { name: 'b', password: 'p' }, at('r'), as('root')),
      range(
        { key: '~a' },
        onPurpose('signed-tokens-end-with-their-own-user', { etcd: AUTH_REVISION_OLD, conclave: at('r') }),
        as('a'),
      ),
    ),
    rule(
      'a watch with a signed token that has ended is refused',
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('UserChangePassword', { name: 'a', password: 'q' }, at('r'), as('root')),
      watch.open({}, as('a')),
      watch.send({ createRequest: { key: '~a' } }),
      watch.receive(
        gives({
          ...{ watchId: -1, created: true, canceled: true },
          cancelReason: 'rpc error: code = InvalidArgument desc = etcdserver: revision of auth store is old',
        }),
      ),
    ),
  ),
);
