/**
 * Schemas as the contract has them, made into forms; over the whole table.
 */
import { foldForm, formOf, formOfSchema, hasFields, prune, requiredOf } from '../src/forms/adapt';
import { rowForm } from '../src/forms/row';
import type { OperationCard } from '../src/schema';
import { CARDS, card } from './setting/table';
import { endpoint } from './setting/things';

type Drawn = Record<string, Record<string, unknown> | undefined>;

/** A field as the form component gets it. */
function field(name: string, of: OperationCard) {
  const { schema, ui } = formOf(of);
  return { schema: (schema.properties as Drawn)[name], ui: (ui as Drawn)[name] };
}

test.each(CARDS.map(each => [each.name, each] as const))('%s can be drawn', (_, each) => {
  const names = Object.keys(formOf(each).schema.properties ?? {});
  for (const name of names) {
    const { schema, ui } = field(name, each);
    expect(JSON.stringify(schema)).not.toMatch(/\$ref|"anyOf"|"null"/);
    expect(schema?.type ?? ui?.['ui:field']).toBeTruthy();
  }
  expect(names).toEqual(expect.arrayContaining(requiredOf(each)));
});

test('what may be left out is left out, not "null or text"', () => {
  const { schema } = field('name', card('jobs.submit'));
  expect(schema).toMatchObject({ type: 'string', title: 'Name' });
  expect(schema).not.toHaveProperty('default');
});

test('a field that may be a state or a word is one choice', () => {
  const { schema } = field('state', card('jobs.list'));
  expect(schema?.enum).toEqual(expect.arrayContaining(['running', 'active']));
});

test('defaults, limits and descriptions stay', () => {
  expect(field('np', card('jobs.submit')).schema).toMatchObject({
    default: 1,
    minimum: 1,
    maximum: 4096,
    description: 'Ranks (processes) to train on.'
  });
});

test('names are completed, files are sent, the rest that has no input is JSON', () => {
  expect(field('dataset', card('jobs.submit')).ui).toMatchObject({
    'ui:widget': 'name',
    'ui:options': { completes: 'datasets' }
  });
  expect(field('notebook', card('services.publish')).ui).toEqual({ 'ui:widget': 'file-or-text' });
  expect(field('rows', card('endpoints.predict')).ui).toEqual({ 'ui:field': 'json' });
  expect(field('params', card('jobs.submit')).ui).toEqual({ 'ui:field': 'json' });
});

test('quantities are written in words, lists with commas', () => {
  const { schema, ui } = field('max_time', card('jobs.submit'));
  expect(schema).toMatchObject({ type: 'string', 'x-group': 'Queue' });
  expect(ui).toEqual({ 'ui:placeholder': '2h' });
  expect(field('after', card('jobs.submit')).ui).toEqual({
    'ui:field': 'list',
    'ui:options': { completes: 'jobs' }
  });
});

test('plumbing is not asked for', () => {
  expect(formOf(card('jobs.list')).schema.properties).not.toHaveProperty('next_token');
  expect(formOf(card('jobs.attach')).schema.properties).not.toHaveProperty('cursor');
});

test('an operation that takes bytes asks for a file', () => {
  expect(requiredOf(card('uploads.create'))).toEqual(['content']);
  expect(formOf(card('uploads.create')).ui.content).toEqual({ 'ui:widget': 'file-or-text' });
});

test('an operation that takes nothing asks nothing', () => {
  expect(hasFields(card('system.status'))).toBe(false);
  expect(hasFields(card('jobs.show'))).toBe(true);
});

test('an operation that is added later is drawn without a change here', () => {
  const added: OperationCard = {
    ...card('jobs.show'),
    name: 'moons.paint',
    request: {
      $defs: { Colour: { enum: ['red', 'blue'], title: 'Colour', type: 'string' } },
      properties: {
        colour: { $ref: '#/$defs/Colour', default: 'red' },
        phase: { anyOf: [{ type: 'number', minimum: 0 }, { type: 'null' }], default: null },
        craters: { type: 'array', items: { type: 'object' } }
      },
      required: ['craters']
    }
  };
  expect(formOf(added).schema.properties).toEqual({
    colour: { enum: ['red', 'blue'], type: 'string', default: 'red', title: 'Colour' },
    phase: { type: 'number', minimum: 0, title: 'Phase' },
    craters: { title: 'Craters' }
  });
  expect(formOf(added).ui.craters).toEqual({ 'ui:field': 'json' });
});

test('what was typed for another algorithm is not sent', () => {
  const form = formOf(card('jobs.submit'));
  form.schema.properties!.params = { type: 'object', properties: { epochs: {} } };
  const typed = { dataset: 'd', params: { epochs: 3, trees: 7 } };
  expect(prune(form, typed)).toEqual({ dataset: 'd', params: { epochs: 3 } });
});

test('a row has an input for each input of the model', () => {
  const { schema, ui } = rowForm(endpoint().signature);
  expect(schema.required).toEqual(['image', 'colour', 'size']);
  expect(ui.image).toEqual({ 'ui:field': 'json' });
  expect(schema.properties).toMatchObject({
    image: { description: 'Shape 2 × 2' },
    colour: { type: 'string', enum: ['red', 'green'] },
    size: { type: 'integer' }
  });
});

describe('a form that has groups', () => {
  const grouped = {
    properties: {
      dataset: { type: 'string' },
      retries: { type: 'integer', 'x-group': 'Faults' },
      params: {
        type: 'object',
        properties: {
          epochs: { type: 'integer', default: 10 },
          momentum: { type: 'number', 'x-group': 'Optimizer' },
          schedule: { type: 'string', 'x-group': 'Schedule' },
          clip: { anyOf: [{ enum: ['none'] }, { type: 'object' }], 'x-group': 'Optimizer' }
        }
      }
    }
  };
  const { first, folds } = foldForm(formOfSchema(grouped));
  const inner = (form: { schema: { properties?: object } }) =>
    Object.keys((form.schema.properties as Drawn).params?.properties ?? {});

  test('shows what has none, and folds each group under its name', () => {
    expect(Object.keys(first.schema.properties!)).toEqual(['dataset', 'params']);
    expect(inner(first)).toEqual(['epochs']);
    expect(folds.map(({ name }) => name)).toEqual(['Faults', 'Optimizer', 'Schedule']);
    expect(Object.keys(folds[0].form.schema.properties!)).toEqual(['retries']);
    expect(inner(folds[1].form)).toEqual(['momentum', 'clip']);
  });

  test('loses no field', () => {
    const all = [first, ...folds.map(({ form }) => form)].flatMap(inner);
    expect(all.sort()).toEqual(Object.keys(grouped.properties.params.properties).sort());
  });
});
