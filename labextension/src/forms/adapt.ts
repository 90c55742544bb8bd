/**
 * A request's JSON Schema, as pydantic writes it, made into what the form component draws well.
 * Pure: it asks the server nothing.
 */
import type { FormComponent } from '@jupyterlab/ui-components';
import type { RJSFSchema } from '@rjsf/utils';

import type { Values } from '../api';
import { formatField } from '../format';
import { trans } from '../i18n';
import type { OperationCard } from '../schema';

type UiSchema = NonNullable<Parameters<typeof FormComponent>[0]['uiSchema']>;

export interface IForm {
  schema: RJSFSchema;
  ui: UiSchema;
}

type Node = Readonly<Record<string, unknown>>;

/** Plumbing between a client and the server; nobody types these. */
const PLUMBING = new Set(['next_token', 'cursor']);
/** The field that stands for the body of an operation whose body is bytes. */
export const CONTENT_FIELD = 'content';

/** The form of an operation's request. */
export function formOf(card: OperationCard): IForm {
  const form = formOfSchema(card.request);
  if (card.body === 'bytes') {
    const title = trans.__('File');
    form.schema.properties = { [CONTENT_FIELD]: { type: 'string', title } };
    form.schema.required = [CONTENT_FIELD];
    form.ui = { [CONTENT_FIELD]: { 'ui:widget': 'file-or-text' } };
  }
  return form;
}

/** The form of any object schema with its definitions beside it. */
export function formOfSchema(root: Node): IForm {
  const definitions = (root.$defs ?? {}) as Record<string, Node>;
  const schema: RJSFSchema = { type: 'object', properties: {}, required: [] };
  const ui: UiSchema = {};
  const required = new Set((root.required ?? []) as string[]);
  for (const [name, raw] of Object.entries((root.properties ?? {}) as Record<string, Node>)) {
    if (PLUMBING.has(name)) {
      continue;
    }
    const node = plain(raw, definitions);
    const drawn = !isDrawable(node) ? anything(node) : isWritten(node) ? written(node) : node;
    schema.properties![name] = { ...drawn, title: formatField(name) };
    ui[name] = uiOf(node);
    if (required.has(name)) {
      schema.required!.push(name);
    }
  }
  return { schema, ui };
}

/** A field without references, without "or null" (that is: left out), without pydantic's title. */
function plain(node: Node, definitions: Record<string, Node>): Node {
  const { title: _, ...rest } = node;
  const resolved = resolve(rest, definitions);
  const choices = resolved.anyOf as Node[] | undefined;
  if (!choices) {
    return resolved;
  }
  const { anyOf: __, default: value, ...shared } = resolved;
  const real = choices.filter(choice => choice.type !== 'null');
  const merged = real.length === 1 ? resolve(real[0], definitions) : mergeEnums(real);
  return { ...merged, ...shared, ...(value == null ? {} : { default: value }) };
}

function resolve(node: Node, definitions: Record<string, Node>): Node {
  const name = typeof node.$ref === 'string' ? node.$ref.split('/').pop() : undefined;
  if (!name) {
    return node;
  }
  const { $ref: _, ...own } = node;
  return { ...definitions[name], ...own };
}

/** Several literals are one choice; anything else is asked for as JSON. */
function mergeEnums(choices: Node[]): Node {
  const values = choices.flatMap(choice => (choice.enum as unknown[]) ?? [choice.const]);
  const literal = values.every(value => value !== undefined);
  return literal ? { type: choices[0].type ?? 'string', enum: values } : {};
}

/** What is typed as JSON is checked by the server: its schema may refer to what is not here. */
function anything({ description, default: value, 'x-group': group }: Node): Node {
  return {
    ...(group ? { 'x-group': group } : {}),
    ...(description ? { description } : {}),
    ...(value === undefined ? {} : { default: value })
  };
}

function uiOf(node: Node): UiSchema {
  if (node['x-file']) {
    return { 'ui:widget': 'file-or-text' };
  }
  if (isWritten(node)) {
    return { 'ui:placeholder': String(node['x-written']) };
  }
  if (isList(node)) {
    return { 'ui:field': 'list', 'ui:options': { completes: node['x-completes'] as string } };
  }
  if (node['x-completes'] && !node.enum) {
    return { 'ui:widget': 'name', 'ui:options': { completes: node['x-completes'] } };
  }
  return isDrawable(node) ? {} : { 'ui:field': 'json' };
}

/** Whether it is a quantity that people write in words, such as 2h or 4GB. */
function isWritten(node: Node): boolean {
  return !!node['x-written'];
}

/** The server reads the words, and knows their limits. */
function written({ description, 'x-group': group }: Node): Node {
  return { type: 'string', description, ...(group ? { 'x-group': group } : {}) };
}

/** Whether it is a list of words, which are written one after the other. */
function isList(node: Node): boolean {
  return node.type === 'array' && (node.items as Node | undefined)?.type === 'string';
}

/** Whether the form component has an input of its own for a node. */
function isDrawable(node: Node): boolean {
  const scalar = ['string', 'number', 'integer', 'boolean'];
  if (node.type === 'array') {
    return scalar.includes(String((node.items as Node | undefined)?.type));
  }
  return scalar.includes(String(node.type)) || (node.type === 'object' && !!node.properties);
}

/** A form in parts: what most people fill in, and what has a default that suits most. */
export interface IParts {
  readonly first: IForm;
  /** What is folded away, under its name. */
  readonly folds: readonly IFold[];
}

export interface IFold {
  readonly name: string;
  readonly form: IForm;
}

/** Fields of a long form that are shown at once, in the order of the contract. */
const SHOWN_AT_ONCE = 8;

/**
 * Fold a long form. What must be given stays in sight; what the contract has put into a group
 * (`x-group`) is under its name, also when it is a part of another field.
 */
export function foldForm(form: IForm): IParts {
  const { own, groups } = ungroup(form);
  const { first, more } = foldLong(own);
  const name = trans.__('More options');
  return { first, folds: [...(more ? [{ name, form: more }] : []), ...groups] };
}

/** The form without grouped fields, and a form for each group. */
function ungroup(form: IForm): { own: IForm; groups: IFold[] } {
  const properties = form.schema.properties ?? {};
  const groups = foldsOf(properties, names => subform(form, names));
  const own = subform(form, ungrouped(properties));
  for (const name of ungrouped(properties)) {
    const inner = properties[name] as RJSFSchema;
    if (inner.properties) {
      const part = (names: string[], title?: string): RJSFSchema => ({
        ...inner,
        title,
        properties: pick(inner.properties!, names)
      });
      own.schema.properties![name] = part(ungrouped(inner.properties), inner.title);
      groups.push(
        ...foldsOf(inner.properties, names => ({
          schema: { ...form.schema, properties: { [name]: part(names, ' ') }, required: [] },
          ui: form.ui
        }))
      );
    }
  }
  return { own, groups };
}

type Properties = NonNullable<RJSFSchema['properties']>;

function groupOf(property: Properties[string]): string | undefined {
  return (property as Node)['x-group'] as string | undefined;
}

function ungrouped(properties: Properties): string[] {
  return Object.keys(properties).filter(name => !groupOf(properties[name]));
}

function foldsOf(properties: Properties, form: (names: string[]) => IForm): IFold[] {
  const names = new Map<string, string[]>();
  for (const [name, property] of Object.entries(properties)) {
    const group = groupOf(property);
    if (group) {
      names.set(group, [...(names.get(group) ?? []), name]);
    }
  }
  return [...names].map(([name, members]) => ({ name, form: form(members) }));
}

/** What is shown at once, and the rest; null when there is little enough. */
function foldLong(form: IForm): { first: IForm; more: IForm | null } {
  const properties = form.schema.properties ?? {};
  const names = Object.keys(properties);
  const inSight = names.filter(
    (name, index) =>
      index < SHOWN_AT_ONCE ||
      form.schema.required?.includes(name) ||
      (properties[name] as RJSFSchema).properties
  );
  if (names.length - inSight.length < 3) {
    return { first: form, more: null };
  }
  const others = names.filter(name => !inSight.includes(name));
  return { first: subform(form, inSight), more: subform(form, others) };
}

function subform({ schema, ui }: IForm, names: string[]): IForm {
  const required = (schema.required ?? []).filter(name => names.includes(name));
  return { schema: { ...schema, properties: pick(schema.properties ?? {}, names), required }, ui };
}

/** What was typed, without what belongs to a form that was shown before. */
export function prune(form: IForm, values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const known = (form.schema.properties?.[name] as RJSFSchema | undefined)?.properties;
      return [name, known && isObject(value) ? pick(value, Object.keys(known)) : value];
    })
  );
}

/** Only what is under these names. */
export function pick<T>(value: Readonly<Record<string, T>>, names: string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => names.includes(name)));
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields that must be given. */
export function requiredOf(card: OperationCard): string[] {
  return card.body === 'bytes' ? [CONTENT_FIELD] : ((card.request.required ?? []) as string[]);
}

/** Whether there is anything to ask. */
export function hasFields(card: OperationCard): boolean {
  return Object.keys(formOf(card).schema.properties ?? {}).length > 0;
}
