/**
 * Writes src/schema.ts from the contract; with --check only says whether it is up to date.
 * It owns the form of the generated file, never what is in it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { compile } from 'json-schema-to-typescript';
import * as prettier from 'prettier';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '..', 'src', 'schema.ts');
const banner = `/**
 * The words of the contract as TypeScript types.
 * GENERATED from aimass_jupyter/contract by \`npm run schema\`; do not edit.
 */`;

/** The interpreter that can import pydantic: AIMASS_PYTHON, the project's, or the first on PATH. */
function python() {
  const own = join(here, '..', '..', '.venv', 'bin', 'python');
  return process.env.AIMASS_PYTHON ?? (existsSync(own) ? own : 'python3');
}

function contract() {
  const script = join(here, 'contract_schema.py');
  const text = execFileSync(python(), [script], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'inherit']
  });
  return JSON.parse(text);
}

/** One object schema whose properties are the operations, so that every type is reachable. */
function operations(table) {
  const properties = Object.fromEntries(
    Object.entries(table).map(([name, { request, response }]) => [
      name,
      {
        type: 'object',
        properties: { request, response },
        required: ['request', 'response'],
        additionalProperties: false
      }
    ])
  );
  return {
    type: 'object',
    description: 'What each operation takes and answers.',
    properties,
    required: Object.keys(properties),
    additionalProperties: false
  };
}

async function generate() {
  const { $defs, table } = contract();
  const source = await compile(
    { ...operations(table), $defs, $id: 'Operations' },
    'Operations',
    { bannerComment: banner, additionalProperties: false, unreachableDefinitions: false, format: false }
  );
  const options = await prettier.resolveConfig(target);
  const named = source.replace(/\bPage_(\w+)_\b/g, 'PageOf$1');
  return prettier.format(named, { ...options, parser: 'typescript' });
}

const source = await generate();
const current = existsSync(target) ? readFileSync(target, 'utf8') : '';
if (process.argv.includes('--check')) {
  if (source !== current) {
    console.error('src/schema.ts is not what the contract says; run: npm run schema');
    process.exit(1);
  }
  console.log('src/schema.ts is up to date');
} else {
  writeFileSync(target, source);
  console.log('wrote src/schema.ts');
}
