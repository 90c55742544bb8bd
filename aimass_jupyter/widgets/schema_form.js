// A form made from a JSON Schema: which fields, how each is asked for, what was typed. The first
// half is pure; `Fields` puts it on the page.

import { element, setText } from './dom.js';

/** The fields of an object schema, in its order. */
export function fieldsOf(schema) {
  return Object.entries(schema.properties ?? {}).map(([name, property]) =>
    fieldOf(name, property, schema.$defs ?? {})
  );
}

function fieldOf(name, property, definitions) {
  const options = (property.anyOf ?? [property]).map(option => resolve(option, definitions));
  const described = { ...(options.find(option => option.type !== 'null') ?? {}), ...property };
  const choices = described.enum ?? (described.const === undefined ? null : [described.const]);
  return {
    name,
    label: name.replaceAll('_', ' '),
    help: property.description ?? '',
    group: property['x-group'] ?? '',
    kind: choices ? 'choice' : kindOf(described.type),
    choices,
    default: property.default ?? null,
    nullable: options.some(option => option.type === 'null'),
    low: described.minimum ?? described.exclusiveMinimum ?? null,
    high: described.maximum ?? described.exclusiveMaximum ?? null,
    lowOut: described.exclusiveMinimum !== undefined,
    highOut: described.exclusiveMaximum !== undefined,
    pattern: described.pattern ?? null
  };
}

function resolve(option, definitions) {
  const name = option.$ref?.split('/').at(-1);
  return name ? { ...definitions[name], ...option } : option;
}

function kindOf(type) {
  return ['integer', 'number', 'boolean', 'string'].includes(type) ? type : 'json';
}

/** The text of a field that shows its default. */
export function defaultText(field) {
  if (field.default === null) return '';
  return field.kind === 'json' ? JSON.stringify(field.default) : String(field.default);
}

/** What is wrong with a text, in words; nothing when it can be sent. */
export function faultOf(field, text) {
  if (text.trim() === '') return '';
  if (field.kind === 'integer' || field.kind === 'number') return numberFault(field, Number(text));
  if (field.kind === 'json') return jsonFault(text);
  if (field.pattern && !new RegExp(field.pattern).test(text))
    return 'letters, digits, dot, dash and underscore only';
  return '';
}

function numberFault(field, value) {
  if (!Number.isFinite(value)) return 'must be a number';
  if (field.kind === 'integer' && !Number.isInteger(value)) return 'must be a whole number';
  const { low, high, lowOut, highOut } = field;
  if (low !== null && (lowOut ? value <= low : value < low))
    return `must be ${lowOut ? 'more than' : 'at least'} ${low}`;
  if (high !== null && (highOut ? value >= high : value > high))
    return `must be ${highOut ? 'less than' : 'at most'} ${high}`;
  return '';
}

function jsonFault(text) {
  try {
    JSON.parse(text);
    return '';
  } catch {
    return 'must be JSON';
  }
}

/** The value of a text; undefined leaves the field out, so that its default holds. */
export function valueOf(field, text) {
  if (text.trim() === '' || text === defaultText(field)) return undefined;
  if (field.kind === 'integer' || field.kind === 'number') return Number(text);
  if (field.kind === 'boolean') return text === 'true';
  return field.kind === 'json' ? JSON.parse(text) : text;
}

/** Fields by their group, in the order of the first of each; those without one come first. */
export function groupsOf(fields) {
  const groups = new Map([['', []]]);
  for (const field of fields) groups.set(field.group, [...(groups.get(field.group) ?? []), field]);
  return groups;
}

/** The fields of a schema on the page. `texts` holds what was typed, and outlives the fields. */
export class Fields {
  constructor(schema, texts, idBase) {
    this.texts = texts;
    const row = field => new Row(field, texts, `${idBase}-${field.name}`);
    const groups = [...groupsOf(fieldsOf(schema))].map(([name, fields]) => [name, fields.map(row)]);
    this.rows = groups.flatMap(([, rows]) => rows);
    this.element = element('div', {}, ...groups.map(([name, rows]) => groupElement(name, rows)));
  }

  /** What was typed, where it differs from the defaults. */
  values() {
    const pairs = this.rows.map(({ field, text }) => [field.name, valueOf(field, text)]);
    return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
  }

  /** Say what is wrong, beside each field; return whether all can be sent. */
  check() {
    const wrong = this.rows.filter(row => !row.check());
    for (const { element: row } of wrong) row.closest('.aimass-group')?.setAttribute('open', '');
    wrong[0]?.input.focus();
    return wrong.length === 0;
  }
}

/** Fields of a group; they are behind its name unless something was typed there. */
function groupElement(name, rows) {
  const fields = element('div', { class: 'aimass-fields' }, ...rows.map(row => row.element));
  if (name === '') return fields;
  const open = rows.some(({ field, text }) => text !== defaultText(field)) ? { open: true } : {};
  const properties = { class: 'aimass-group', 'data-group': name, ...open };
  return element('details', properties, element('summary', {}, name), fields);
}

class Row {
  constructor(field, texts, id) {
    this.field = field;
    this.texts = texts;
    this.input = inputFor(field, id, this.text);
    this.fault = element('span', { class: 'aimass-fault', role: 'alert' });
    this.input.addEventListener('change', () => this.check());
    this.input.addEventListener('input', () => (texts[field.name] = this.input.value));
    this.element = element(
      'div',
      { class: 'aimass-field' },
      element('label', { for: id }, field.label),
      this.input,
      element('span', { class: 'aimass-help', id: `${id}-help` }, field.help),
      this.fault
    );
  }

  get text() {
    return this.texts[this.field.name] ?? defaultText(this.field);
  }

  check() {
    const fault = faultOf(this.field, this.text);
    setText(this.fault, fault);
    this.input.setAttribute('aria-invalid', String(fault !== ''));
    return fault === '';
  }
}

function inputFor(field, id, text) {
  const common = { id, 'aria-describedby': `${id}-help`, 'data-field': field.name };
  const choices = field.kind === 'boolean' ? ['true', 'false'] : field.choices;
  const input = choices
    ? element('select', common, ...choices.map(choice => element('option', {}, String(choice))))
    : element('input', { ...common, ...typeOf(field), autocomplete: 'off', spellcheck: 'false' });
  input.value = text;
  return input;
}

/** Attributes that give the right keyboard; limits are checked by `faultOf`, which says more. */
function typeOf(field) {
  const placeholder = field.nullable ? 'by default' : null;
  if (field.kind === 'integer') return { type: 'number', step: 1, placeholder };
  if (field.kind === 'number') return { type: 'number', step: 'any', placeholder };
  return { type: 'text', placeholder };
}
