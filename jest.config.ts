/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

const config: Config = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^conclave$': '<rootDir>/recipes/index.ts',
    '^conclave/core$': '<rootDir>/core/index.ts',
    '^conclave/testing$': '<rootDir>/core/testing/index.ts',
    '^conclave/testing/jest$': '<rootDir>/core/testing/jest.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true, explicitResourceManagement: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testMatch: ['<rootDir>/{core,recipes,examples,bench,docs}/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  globalSetup: '<rootDir>/.config/build-programs.js',
  maxWorkers: 2,
  testTimeout: 30_000,
};

export default config;
