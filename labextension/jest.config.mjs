/**
 * Jest runs the TypeScript as it is, against a real HTTP server on loopback (tests/setting).
 * The packages of Lab are ES modules, so they are compiled too.
 */
export default {
  testEnvironment: '<rootDir>/tests/setting/environment.cjs',
  setupFiles: ['<rootDir>/tests/setting/browser.cjs'],
  setupFilesAfterEnv: ['<rootDir>/tests/setting/patience.cjs'],
  testMatch: ['<rootDir>/tests/**/*.test.ts?(x)'],
  modulePathIgnorePatterns: ['<rootDir>/lib', '<rootDir>/../aimass_jupyter'],
  transform: {
    '\\.[mc]?[jt]sx?$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', tsx: true },
          transform: { react: { runtime: 'classic' } }
        },
        module: { type: 'commonjs' }
      }
    ]
  },
  transformIgnorePatterns: [
    '/node_modules/(?!(@jupyterlab|@jupyter|@microsoft|@lumino|lib0|y-protocols|yjs|exenv-es6|tabbable|nanoid|vscode-|uuid|lodash-es|@codemirror|@lezer)).*'
  ],
  moduleNameMapper: {
    '\\.css$': '<rootDir>/tests/setting/empty.cjs',
    '\\.svg$': '<rootDir>/tests/setting/svg.cjs'
  },
  testTimeout: 30_000, // a test waits for what it sees; a busy machine shows it late
  clearMocks: true,
  injectGlobals: true
};
