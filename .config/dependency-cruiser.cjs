/**
 * The table of rooms as rules: which folder may import which. An arrow that is not here is a mistake.
 * `docs/internals/architecture.md` explains the rooms.
 */
const TEST = '\\.(test|contract)\\.ts$|/testing/';

/** room → what it may import beside itself. */
const ROOMS = {
  'core/base': [],
  'core/store.ts': ['core/base', 'core/txn.ts'],
  'core/txn.ts': ['core/base', 'core/store.ts'],
  'core/namespace': ['core/base', 'core/store.ts', 'core/txn.ts'],
  'core/raft': ['core/base'],
  'core/backend': ['core/base'],
  'core/mvcc': ['core/base', 'core/backend'],
  'core/lease': ['core/base', 'core/backend'],
  'core/watch': ['core/base', 'core/mvcc'],
  'core/auth': ['core/base'],
  'core/tls': ['core/base'],
  'core/metrics': ['core/base'],
  'core/machine': [
    'core/base',
    'core/auth',
    'core/backend',
    'core/mvcc',
    'core/lease',
    'core/watch',
    'core/raft/types.ts',
    'core/raft/configuration.ts',
  ],
  'core/snapshot': ['core/base', 'core/backend', 'core/machine', 'core/raft/types.ts', 'core/raft/configuration.ts'],
  'core/wal': ['core/base', 'core/raft/types.ts'],
  'core/peer': ['core/base', 'core/raft/types.ts', 'core/raft/configuration.ts', 'core/tls'],
  'core/member': [
    'core/base',
    'core/raft',
    'core/auth',
    'core/backend',
    'core/mvcc',
    'core/lease',
    'core/watch',
    'core/machine',
    'core/snapshot',
    'core/wal',
    'core/peer',
  ],
  'core/rpc': ['core/base', 'core/machine/types.ts', 'core/metrics', 'core/tls'],
  'core/server': [
    'core/base',
    'core/raft',
    'core/backend',
    'core/machine',
    'core/snapshot',
    'core/wal',
    'core/peer',
    'core/member',
    'core/metrics',
    'core/rpc',
    'core/tls',
  ],
  'core/embedded': ['core/base', 'core/store.ts', 'core/txn.ts', 'core/namespace', 'core/server', 'core/member'],
  'core/client': ['core/base', 'core/store.ts', 'core/txn.ts', 'core/namespace', 'core/rpc', 'core/tls'],
  'core/connect.ts': ['core/base', 'core/store.ts', 'core/namespace', 'core/embedded', 'core/client', 'core/tls'],
  'core/index.ts': ['core/base', 'core/store.ts', 'core/txn.ts', 'core/embedded', 'core/server', 'core/connect.ts'],
  'core/cli': ['core/base', 'core/rpc', 'core/server', 'core/embedded', 'core/client', 'core/tls'],
  recipes: ['core/base', 'core/store.ts', 'core/txn.ts'],
};

const anchored = (room) => `^${room.replaceAll('.', '\\.')}${room.endsWith('.ts') ? '$' : '/'}`;

const roomRules = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `room-${room}`,
  severity: 'error',
  from: {
    path: anchored(room),
    // The package's front door re-exports `connect` beside the recipes.
    pathNot: room === 'recipes' ? `${TEST}|^recipes/index\\.ts$` : TEST,
  },
  to: { path: '^(core|recipes|examples|bench)/', pathNot: [room, ...allowed].map(anchored) },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'no-cycles',
      severity: 'error',
      from: { pathNot: TEST },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'product-does-not-import-testing',
      severity: 'error',
      from: { path: '^(core|recipes)/', pathNot: TEST },
      to: { path: '/testing/|\\.test\\.ts$' },
    },
    {
      name: 'pure-rooms-import-no-packages',
      comment: 'Functions of their inputs: no npm package and no node: module, an ordered map excepted.',
      severity: 'error',
      from: { path: '^core/(raft|mvcc|lease|auth|watch|machine|base)/', pathNot: TEST },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-optional', 'core'],
        pathNot: 'node_modules/sorted-btree',
      },
    },
    {
      name: 'container-only-in-recipes',
      severity: 'error',
      from: { path: '^core/' },
      to: { path: 'node_modules/(tsyringe|reflect-metadata)' },
    },
    {
      name: 'examples-use-the-package-by-name',
      severity: 'error',
      from: { path: '^examples/', pathNot: TEST },
      to: { path: '^(core|recipes)/', dependencyTypesNot: ['aliased', 'aliased-tsconfig', 'aliased-tsconfig-paths'] },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: `${TEST}|\\.d\\.ts$|^examples/|^bench/` },
      to: {},
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
