import tsdoc from 'eslint-plugin-tsdoc';
import tseslint from 'typescript-eslint';

/** Rooms that are functions of their inputs. */
const PURE = ['core/raft', 'core/mvcc', 'core/lease', 'core/auth', 'core/watch', 'core/machine'].map(
  (room) => `${room}/**/*.ts`,
);
const AMBIENT = ['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'process', 'crypto', 'fetch'];

export default tseslint.config(
  { ignores: ['dist/**', 'core/rpc/gen/**', 'core/rpc/proto/**', 'coverage/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    files: ['**/*.ts'],
    plugins: { tsdoc },
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: process.cwd() } },
    rules: {
      'tsdoc/syntax': 'error',
      'max-lines': ['error', { max: 500 }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[object.name='Math'][property.name='random']",
          message: 'Chance is an argument: take a Prng.',
        },
        {
          selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: 'Decide by a Clock.',
        },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
    },
  },
  {
    files: PURE,
    ignores: ['**/*.test.ts', '**/*.contract.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...AMBIENT.map((name) => ({ name, message: 'This room is a function of its inputs.' })),
      ],
      'no-restricted-syntax': [
        'error',
        { selector: ':function[async=true]', message: 'This room is a function of its inputs: nothing in it waits.' },
        { selector: 'AwaitExpression', message: 'This room is a function of its inputs: nothing in it waits.' },
        {
          selector: "MemberExpression[object.name='Math'][property.name='random']",
          message: 'Chance is an argument: take a Prng.',
        },
      ],
    },
  },
  {
    files: ['**/*.test.ts', '**/*.contract.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
  {
    // Tables, a file a topic.
    files: ['core/testing/conformance/protocol/cases/*.ts'],
    rules: { 'max-lines': 'off' },
  },
);
