// From a JSON Schema to fields, and from what was typed to values.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  defaultText,
  faultOf,
  fieldsOf,
  groupsOf,
  valueOf
} from '../../aimass_jupyter/widgets/schema_form.js';

const schema = {
  properties: {
    batch_size: { type: 'integer', minimum: 1, maximum: 100, default: 64, description: 'Rows.' },
    dropout: { type: 'number', minimum: 0, exclusiveMaximum: 1, default: 0.1 },
    optimizer: { enum: ['adamw', 'sgd'], type: 'string', default: 'adamw' },
    shuffle: { type: 'boolean', default: true },
    name: { anyOf: [{ type: 'string', pattern: '^[a-z]+$' }, { type: 'null' }], default: null },
    widths: { type: 'array', default: [1, 2] },
    kind: { $ref: '#/$defs/Kind', default: 'a' }
  },
  $defs: { Kind: { enum: ['a', 'b'], type: 'string' } }
};
const fields = Object.fromEntries(fieldsOf(schema).map(field => [field.name, field]));

test('each property becomes a field that knows how it is asked for', () => {
  assert.deepEqual(
    Object.values(fields).map(({ name, kind }) => [name, kind]),
    [
      ['batch_size', 'integer'],
      ['dropout', 'number'],
      ['optimizer', 'choice'],
      ['shuffle', 'boolean'],
      ['name', 'string'],
      ['widths', 'json'],
      ['kind', 'choice']
    ]
  );
  assert.equal(fields.batch_size.label, 'batch size');
  assert.equal(fields.batch_size.help, 'Rows.');
  assert.deepEqual(fields.kind.choices, ['a', 'b']);
  assert.equal(fields.name.nullable, true);
  assert.deepEqual(fieldsOf({}), []);
});

test('a field shows its default', () => {
  assert.deepEqual(Object.values(fields).map(defaultText), [
    '64',
    '0.1',
    'adamw',
    'true',
    '',
    '[1,2]',
    'a'
  ]);
});

test('what cannot be sent is said in words', () => {
  const faults = [
    ['batch_size', '0', 'must be at least 1'],
    ['batch_size', '101', 'must be at most 100'],
    ['batch_size', '1.5', 'must be a whole number'],
    ['batch_size', 'x', 'must be a number'],
    ['dropout', '1', 'must be less than 1'],
    ['dropout', '1e999', 'must be a number'],
    ['name', 'A b', 'letters, digits, dot, dash and underscore only'],
    ['widths', '[1', 'must be JSON'],
    ['widths', '[1]', ''],
    ['batch_size', '', ''],
    ['dropout', '0', '']
  ];
  for (const [name, text, fault] of faults) assert.equal(faultOf(fields[name], text), fault, name);
});

test('values are sent only where they differ from the default', () => {
  const values = [
    ['batch_size', '64', undefined],
    ['batch_size', '32', 32],
    ['dropout', '', undefined],
    ['shuffle', 'false', false],
    ['name', 'run', 'run'],
    ['widths', '[3]', [3]],
    ['optimizer', 'sgd', 'sgd']
  ];
  for (const [name, text, value] of values)
    assert.deepEqual(valueOf(fields[name], text), value, name);
});

test('fields of a group are together, those of none come first', () => {
  const grouped = fieldsOf({
    properties: {
      momentum: { type: 'number', 'x-group': 'Optimizer' },
      epochs: { type: 'integer' },
      schedule: { type: 'string', 'x-group': 'Schedule' },
      clip: { type: 'number', 'x-group': 'Optimizer' }
    }
  });
  const names = [...groupsOf(grouped)].map(([group, of]) => [group, of.map(({ name }) => name)]);
  assert.deepEqual(names, [
    ['', ['epochs']],
    ['Optimizer', ['momentum', 'clip']],
    ['Schedule', ['schedule']]
  ]);
});
