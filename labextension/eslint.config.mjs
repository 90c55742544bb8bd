import js from '@eslint/js';
import a11y from 'eslint-plugin-jsx-a11y';
import hooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import ts from 'typescript-eslint';

/** The lists of things live: one file may speak HTTP, and nobody makes markup out of text. */
const RESTRICTIONS = [
  {
    selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
    message: 'text is shown as text'
  },
  {
    selector: 'AssignmentExpression > MemberExpression[property.name=/^(inner|outer)HTML$/]',
    message: 'text is shown as text'
  }
];
const HTTP = [
  { name: 'fetch', message: 'src/api.ts is the one file that speaks HTTP' },
  { name: 'XMLHttpRequest', message: 'src/api.ts is the one file that speaks HTTP' },
  { name: 'EventSource', message: 'src/api.ts is the one file that speaks HTTP' },
  { name: 'WebSocket', message: 'src/api.ts is the one file that speaks HTTP' }
];

export default ts.config(
  { ignores: ['lib', 'coverage', 'node_modules', 'src/schema.ts'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}', 'tests/**/*.{ts,tsx}'],
    extends: [...ts.configs.recommendedTypeChecked],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { project: './tests/tsconfig.json', tsconfigRootDir: import.meta.dirname }
    },
    plugins: { 'react-hooks': hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', 400],
      'no-restricted-globals': ['error', ...HTTP],
      'no-restricted-syntax': ['error', ...RESTRICTIONS]
    }
  },
  { files: ['src/**/*.tsx'], ...a11y.flatConfigs.strict },
  {
    files: ['tests/**/*'],
    rules: { 'no-restricted-globals': 'off', '@typescript-eslint/no-non-null-assertion': 'off' }
  },
  { files: ['**/*.{mjs,cjs}'], languageOptions: { globals: globals.node } }
);
