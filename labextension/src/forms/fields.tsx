/**
 * The inputs that the form component does not have: JSON, a file or a word, a known name.
 */
import type { FieldProps, RegistryFieldsType, RegistryWidgetsType, WidgetProps } from '@rjsf/utils';
import React, { useEffect, useId, useRef, useState } from 'react';

import { formatJson } from '../format';
import { trans } from '../i18n';

/** What the inputs need to know of the form they are in. */
export interface IFormContext {
  /** Files that were chosen, by the field's name. */
  readonly files: Map<string, File>;
  /** The names that complete a field (`x-completes`). */
  names(kind: string): Promise<string[]>;
}

/** Any JSON value, as text. */
function JsonField(props: FieldProps): JSX.Element {
  const { onChange, schema, idSchema, name, required } = props;
  const [text, setText] = useState(() => textOf(props.formData));
  const [fault, setFault] = useState('');
  const take = (next: string) => {
    setText(next);
    const [value, error] = parse(next);
    setFault(error);
    // Text that is not JSON yet is handed on as it is, so that the server can name the field.
    onChange(error ? next : value);
  };
  return (
    <div className="aimass-JsonField">
      <label htmlFor={idSchema.$id}>
        {schema.title ?? name}
        {required && '*'}
      </label>
      <textarea
        id={idSchema.$id}
        className="jp-mod-styled"
        rows={Math.min(10, text.split('\n').length + 1)}
        spellCheck={false}
        aria-invalid={!!fault}
        value={text}
        onChange={event => take(event.target.value)}
      />
      {fault && <div className="aimass-Error">{fault}</div>}
    </div>
  );
}

function textOf(value: unknown): string {
  return value === undefined ? '' : formatJson(value);
}

function parse(text: string): [unknown, string] {
  try {
    return [text.trim() ? JSON.parse(text) : undefined, ''];
  } catch (error) {
    return [undefined, trans.__('Not JSON yet: %1', (error as Error).message)];
  }
}

/** Words one after the other, with commas between them. */
function ListField(props: FieldProps): JSX.Element {
  const { onChange, schema, idSchema, name, uiSchema } = props;
  const known = (props.formData as string[] | undefined) ?? [];
  const [text, setText] = useState(() => known.join(', '));
  const completes = (uiSchema?.['ui:options'] as { completes?: string } | undefined)?.completes;
  const names = useNames(props.formContext as IFormContext, completes);
  const list = useId();
  const take = (next: string) => {
    setText(next);
    const words = next.split(',').map(word => word.trim());
    onChange(words.filter(Boolean));
  };
  return (
    <div className="aimass-ListField">
      <label htmlFor={idSchema.$id}>{schema.title ?? name}</label>
      <input
        id={idSchema.$id}
        type="text"
        className="jp-mod-styled"
        list={list}
        autoComplete="off"
        placeholder={trans.__('with commas between them')}
        value={text}
        onChange={event => take(event.target.value)}
      />
      <Names id={list} names={names} />
    </div>
  );
}

function Names({ id, names }: { id: string; names: string[] }): JSX.Element {
  return (
    <datalist id={id}>
      {names.map(name => (
        <option key={name} value={name} />
      ))}
    </datalist>
  );
}

/** A word, or a file whose bytes take its place. */
function FileOrTextWidget(props: WidgetProps): JSX.Element {
  const { id, name, required, onChange } = props;
  const { files } = props.formContext as IFormContext;
  const picker = useRef<HTMLInputElement>(null);
  const pick = (file: File | undefined) => {
    if (file) {
      files.set(name, file);
      onChange(file.name);
    }
  };
  const type = (text: string) => {
    files.delete(name);
    onChange(text || undefined);
  };
  return (
    <div className="aimass-FileField">
      <input
        id={id}
        type="text"
        className="jp-mod-styled"
        required={required}
        value={(props.value as string | undefined) ?? ''}
        onChange={event => type(event.target.value)}
      />
      <button
        type="button"
        className="jp-mod-styled jp-mod-reject"
        onClick={() => picker.current?.click()}
      >
        {trans.__('Choose file…')}
      </button>
      <input
        ref={picker}
        type="file"
        hidden
        aria-label={trans.__('File')}
        data-testid={`aimass-file-${name}`}
        onChange={event => pick(event.target.files?.[0])}
      />
    </div>
  );
}

/** A name, completed from the names there are; others can be typed (`name@3`). */
function NameWidget(props: WidgetProps): JSX.Element {
  const { id, required, options, onChange } = props;
  const names = useNames(props.formContext as IFormContext, options.completes as string);
  const list = useId();
  return (
    <>
      <input
        id={id}
        type="text"
        className="jp-mod-styled"
        list={list}
        autoComplete="off"
        required={required}
        value={(props.value as string | undefined) ?? ''}
        onChange={event => onChange(event.target.value || undefined)}
      />
      <Names id={list} names={names} />
    </>
  );
}

/** The names of a kind; none where nothing completes. */
function useNames(context: IFormContext, kind: string | undefined): string[] {
  const [names, setNames] = useState<string[]>([]);
  useEffect(() => {
    let current = true;
    // Names that cannot be read complete nothing; what is typed is checked when it is sent.
    const none = (): string[] => [];
    void (kind ? context.names(kind) : Promise.resolve(none()))
      .catch(none)
      .then(found => current && setNames(found));
    return () => {
      current = false;
    };
  }, [context, kind]);
  return names;
}

export const FIELDS: RegistryFieldsType = { json: JsonField, list: ListField };
export const WIDGETS: RegistryWidgetsType = {
  'file-or-text': FileOrTextWidget,
  name: NameWidget
};
