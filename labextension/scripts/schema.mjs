/**
 * Writes src/schema.ts and the tests' operation table from the contract; with --check only says
 * whether they are up to date. It owns the form of the generated files, never what is in them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { compile } from 'json-schema-to-typescript';
import * as prettier from 'prettier';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const TYPES = join(root, 'src', 'schema.ts');
const TABLE = join(root, 'tests', 'setting', 'table.json');
const BANNER = `/**
 * The words of the contract as TypeScript types.
 * GENERATED from aimass_jupyter/contract by \`npm run schema\`; do not edit.
 */`;

/** The interpreter that can import pydantic: AIMASS_PYTHON, the project's, or the first on PATH. */
function python() {
  const own = join(root, '..', '.venv', 'bin', 'python');
  return process.env.AIMASS_PYTHON ?? (existsSync(own) ? own : 'python3');
}

function contract() {
  const text = execFileSync(python(), [join(root, 'scripts', 'contract_schema.py')], {
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

async function types({ $defs, table }) {
  const schema = { ...operations(table), $defs, $id: 'Operations' };
  const source = await compile(schema, 'Operations', {
    bannerComment: BANNER,
    additionalProperties: false,
    format: false
  });
  const named = source.replace(/\bPage_(\w+)_\b/g, 'PageOf$1');
  const options = await prettier.resolveConfig(TYPES);
  return prettier.format(named, { ...options, filepath: TYPES });
}

const said = contract();
const files = new Map([
  [TYPES, await types(said)],
  [TABLE, `[\n${said.cards.map(card => JSON.stringify(card)).join(',\n')}\n]\n`]
]);
for (const [path, text] of files) {
  const current = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const name = relative(root, path);
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text);
    console.log(`wrote ${name}`);
  } else if (text !== current) {
    console.error(`${name} is not what the contract says; run: npm run schema`);
    process.exitCode = 1;
  } else {
    console.log(`${name} is up to date`);
  }
}
