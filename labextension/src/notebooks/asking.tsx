/**
 * What is asked before a notebook runs as a job: what travels is listed first, then how it runs and
 * with what.
 */
import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import React, { useId } from 'react';

import { FIELDS_SELECTOR, letTabIn } from '../forms/body';
import { trans } from '../i18n';
import { Table } from '../pages/parts';
import type { IParameter } from './parameters';
import type { IScript } from './script';

/** Executed as it is and kept with its outputs, or its code cells as a script on ranks. */
export type Way = 'notebook' | 'script';

export interface IWish {
  readonly way: Way;
  readonly name: string;
  /** Values for the notebook's parameters, as they were typed. */
  readonly params: Readonly<Record<string, string>>;
  /** What the script reads, and on how many ranks. */
  readonly dataset: string;
  readonly np: number;
}

/** What there is to choose from. */
export interface IChoices {
  readonly filename: string;
  /** The ways that this person and this server allow, the usual one first. */
  readonly ways: readonly Way[];
  readonly script: IScript;
  readonly parameters: readonly IParameter[];
  readonly datasets: readonly string[];
}

interface IAskProps {
  choices: IChoices;
  value: IWish;
  onChange: (value: IWish) => void;
}

/** Ask how a notebook is to run; null when the person would rather not. */
export async function askRun(choices: IChoices, first: IWish): Promise<IWish | null> {
  const { button, value } = await showDialog<IWish>({
    title: trans.__('Run %1 as a job', choices.filename),
    body: new AskBody(choices, first),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Run') })],
    focusNodeSelector: FIELDS_SELECTOR
  });
  return button.accept ? value : null;
}

class AskBody extends ReactWidget implements Dialog.IBodyWidget<IWish> {
  constructor(
    private readonly _choices: IChoices,
    private _value: IWish
  ) {
    super();
    letTabIn(this, 'aimass-run-form');
  }

  getValue(): IWish {
    return this._value;
  }

  override render(): JSX.Element {
    return (
      <AskView
        choices={this._choices}
        value={this._value}
        onChange={value => {
          this._value = value;
          this.update();
        }}
      />
    );
  }
}

export function AskView({ choices, value, onChange }: IAskProps): JSX.Element {
  const isScript = value.way === 'script';
  return (
    <>
      <Travelling way={value.way} script={choices.script} />
      {choices.ways.length > 1 && (
        <Choice
          label={trans.__('How it runs')}
          value={value.way}
          options={choices.ways.map(way => [way, wayName(way)])}
          onChange={way => onChange({ ...value, way: way as Way })}
        />
      )}
      <Text
        label={trans.__('Name of the job')}
        value={value.name}
        onChange={name => onChange({ ...value, name })}
      />
      {isScript ? (
        <ScriptFields choices={choices} value={value} onChange={onChange} />
      ) : (
        choices.parameters.map(({ name, value: usual }) => (
          <Text
            key={name}
            label={name}
            placeholder={usual}
            value={value.params[name] ?? ''}
            onChange={typed => onChange({ ...value, params: { ...value.params, [name]: typed } })}
          />
        ))
      )}
    </>
  );
}

function wayName(way: Way): string {
  return way === 'notebook'
    ? trans.__('As it is, and kept with its outputs')
    : trans.__('As a training script, on ranks');
}

function ScriptFields({ choices, value, onChange }: IAskProps): JSX.Element {
  const np = useId();
  return (
    <>
      <Choice
        label={trans.__('Dataset that it reads')}
        value={value.dataset}
        options={[['', trans.__('none')], ...choices.datasets.map(name => [name, name] as const)]}
        onChange={dataset => onChange({ ...value, dataset })}
      />
      <label htmlFor={np}>{trans.__('Ranks')}</label>
      <input
        id={np}
        type="number"
        min={1}
        className="jp-mod-styled"
        value={value.np}
        onChange={event => onChange({ ...value, np: Math.max(1, event.target.valueAsNumber || 1) })}
      />
    </>
  );
}

interface IFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

function Text({
  label,
  value,
  placeholder,
  onChange
}: IFieldProps & { placeholder?: string }): JSX.Element {
  const id = useId();
  return (
    <>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="jp-mod-styled"
        placeholder={placeholder}
        value={value}
        onChange={event => onChange(event.target.value)}
      />
    </>
  );
}

function Choice({
  label,
  value,
  options,
  onChange
}: IFieldProps & { options: readonly (readonly [string, string])[] }): JSX.Element {
  const id = useId();
  return (
    <>
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="jp-mod-styled"
        value={value}
        onChange={event => onChange(event.target.value)}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </>
  );
}

function Travelling({ way, script }: { way: Way; script: IScript }): JSX.Element {
  const isScript = way === 'script';
  const left = trans.__('Left out');
  return (
    <>
      <p className="aimass-Form-help">{told(way, script.filename)}</p>
      <div data-testid="aimass-run-travels">
        <Table
          label={trans.__('What travels')}
          columns={['', trans.__('Begins with'), trans.__('Lines'), ...(isScript ? [left] : [])]}
          rows={script.parts.map(part => [
            part.number,
            <code key="line" className="aimass-Cut">
              {part.line}
            </code>,
            part.lines,
            ...(isScript ? [part.left.length] : [])
          ])}
        />
      </div>
      {isScript && script.parts.some(part => part.left.length > 0) && (
        <p className="aimass-Form-help">
          {trans.__('Left out are lines that only a notebook understands: magics and commands.')}
        </p>
      )}
    </>
  );
}

function told(way: Way, filename: string): string {
  return way === 'notebook'
    ? trans.__(
        'The notebook travels without its outputs, and these cells run in a kernel of its own. What is in memory, and files beside it, stay here.'
      )
    : trans.__(
        'These cells travel, in this order, as %1. What the notebook holds in memory does not.',
        filename
      );
}
