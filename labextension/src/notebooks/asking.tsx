/**
 * What is asked before a notebook runs as a job: what travels is listed first, then on what and on
 * how many ranks.
 */
import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import React, { useId } from 'react';

import { FIELDS_SELECTOR, letTabIn } from '../forms/body';
import { trans } from '../i18n';
import { Table } from '../pages/parts';
import type { IScript } from './script';

export interface IWish {
  readonly name: string;
  readonly dataset: string;
  readonly np: number;
}

interface IAskProps {
  script: IScript;
  datasets: readonly string[];
  value: IWish;
  onChange: (value: IWish) => void;
}

/** Ask how a notebook is to run; null when the person would rather not. */
export async function askRun(
  script: IScript,
  datasets: readonly string[],
  first: IWish
): Promise<IWish | null> {
  const { button, value } = await showDialog<IWish>({
    title: trans.__('Run %1 as a job', script.filename.replace(/\.py$/, '')),
    body: new AskBody(script, datasets, first),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Run') })],
    focusNodeSelector: FIELDS_SELECTOR
  });
  return button.accept ? value : null;
}

class AskBody extends ReactWidget implements Dialog.IBodyWidget<IWish> {
  constructor(
    private readonly _script: IScript,
    private readonly _datasets: readonly string[],
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
        script={this._script}
        datasets={this._datasets}
        value={this._value}
        onChange={value => {
          this._value = value;
          this.update();
        }}
      />
    );
  }
}

export function AskView({ script, datasets, value, onChange }: IAskProps): JSX.Element {
  const [name, dataset, np] = [useId(), useId(), useId()];
  return (
    <>
      <Travelling script={script} />
      <label htmlFor={name}>{trans.__('Name of the job')}</label>
      <input
        id={name}
        className="jp-mod-styled"
        value={value.name}
        onChange={event => onChange({ ...value, name: event.target.value })}
      />
      <label htmlFor={dataset}>{trans.__('Dataset that it reads')}</label>
      <select
        id={dataset}
        className="jp-mod-styled"
        value={value.dataset}
        onChange={event => onChange({ ...value, dataset: event.target.value })}
      >
        <option value="">{trans.__('none')}</option>
        {datasets.map(each => (
          <option key={each}>{each}</option>
        ))}
      </select>
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

function Travelling({ script: { filename, parts } }: { script: IScript }): JSX.Element {
  const left = parts.some(part => part.left.length > 0);
  return (
    <>
      <p className="aimass-Form-help">
        {trans.__(
          'These cells travel, in this order, as %1. What the notebook holds in memory does not.',
          filename
        )}
      </p>
      <div data-testid="aimass-run-travels">
        <Table
          label={trans.__('What travels')}
          columns={['', trans.__('Begins with'), trans.__('Lines'), trans.__('Left out')]}
          rows={parts.map(part => [
            part.number,
            <code key="line" className="aimass-Cut">
              {part.line}
            </code>,
            part.lines,
            part.left.length
          ])}
        />
      </div>
      {left && (
        <p className="aimass-Form-help">
          {trans.__('Left out are lines that only a notebook understands: magics and commands.')}
        </p>
      )}
    </>
  );
}
