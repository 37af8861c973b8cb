// What tsc does not say: the strict, type-aware rules of typescript-eslint, and no fall-through without a comment.
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import js from '@eslint/js';

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'node_modules/', '.stryker-tmp/'] },
  {
    files: ['**/*.ts'],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-fallthrough': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'max-len': ['error', { code: 120, ignoreRegExpLiterals: true, ignoreTemplateLiterals: true, ignoreStrings: true }],
    },
  },
  {
    // The port keeps C's ways where they are harmless: variables declared first, int for truth, conditions on pointers.
    files: ['lib/*.ts', 'reactor/event.ts', 'reactor/epoll.ts', 'reactor/signal.ts'],
    rules: {
      'prefer-const': 'off',
      'no-useless-return': 'off',
      'no-cond-assign': ['error', 'except-parens'],
      'no-constant-condition': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      'no-lone-blocks': 'off',
      'no-useless-assignment': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreVoidReturningFunctions: true }],
    },
  },
  {
    // There is one way out.
    files: ['lib/**/*.ts', 'reactor/**/*.ts', 'scripts/memcached-ts.ts', 'scripts/signals.ts'],
    ignores: ['lib/libc/stdlib.ts'],
    rules: {
      'no-restricted-properties': [
        'error', { object: 'process', property: 'exit', message: 'exit of lib/libc/stdlib.ts may not hang.' },
      ],
    },
  },
);
