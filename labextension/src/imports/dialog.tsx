/**
 * Asks how a file is to be imported: its name, the column to learn; with the columns that it has,
 * as far as its first lines tell.
 */
import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import React, { useId } from 'react';

import { FIELDS_SELECTOR, letTabIn } from '../forms/body';
import { datasetName, formatBytes } from '../format';
import { trans } from '../i18n';
import { type Guess, type IColumn, PREVIEW_BYTES, previewOf } from './preview';

export interface IImport {
  readonly name: string;
  /** The column to learn; empty when the server shall tell. */
  readonly label: string;
}

/** Ask for a file's name and label; null when the person would rather not. */
export async function askImport(file: File): Promise<IImport | null> {
  const text = await file.slice(0, PREVIEW_BYTES).text();
  // A file that was read whole may end without a line's end.
  const whole = file.size <= PREVIEW_BYTES && !text.endsWith('\n') ? `${text}\n` : text;
  const { button, value } = await showDialog<IImport>({
    title: trans.__('Import %1', file.name),
    body: new ImportBody(file, previewOf(file.name, whole)),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Import') })],
    focusNodeSelector: FIELDS_SELECTOR
  });
  return button.accept ? value : null;
}

class ImportBody extends ReactWidget implements Dialog.IBodyWidget<IImport> {
  constructor(
    private readonly _file: File,
    private readonly _columns: IColumn[] | null
  ) {
    super();
    letTabIn(this, 'aimass-import-form');
    this._value = { name: datasetName(_file.name), label: '' };
  }

  getValue(): IImport {
    return this._value;
  }

  override render(): JSX.Element {
    return (
      <ImportView
        file={this._file}
        columns={this._columns}
        value={this._value}
        onChange={value => {
          this._value = value;
          this.update();
        }}
      />
    );
  }

  private _value: IImport;
}

interface IImportViewProps {
  file: File;
  columns: IColumn[] | null;
  value: IImport;
  onChange: (value: IImport) => void;
}

export function ImportView({ file, columns, value, onChange }: IImportViewProps): JSX.Element {
  const name = useId();
  return (
    <>
      <label htmlFor={name}>{trans.__('Name of the dataset')}</label>
      <input
        id={name}
        className="jp-mod-styled"
        value={value.name}
        onChange={event => onChange({ ...value, name: event.target.value })}
      />
      {columns ? (
        <Columns columns={columns} value={value} onChange={onChange} />
      ) : (
        <p className="aimass-Form-help">
          {trans.__('%1; its columns are known once it is imported.', formatBytes(file.size))}
        </p>
      )}
    </>
  );
}

function Columns(props: Omit<IImportViewProps, 'file'> & { columns: IColumn[] }): JSX.Element {
  const { columns, value, onChange } = props;
  const label = useId();
  if (columns.length === 0) {
    return <p className="aimass-Form-help">{trans.__('The file is empty: it has no columns.')}</p>;
  }
  return (
    <>
      <label htmlFor={label}>{trans.__('Column to learn')}</label>
      <select
        id={label}
        className="jp-mod-styled"
        data-testid="aimass-import-label"
        value={value.label}
        onChange={event => onChange({ ...value, label: event.target.value })}
      >
        <option value="">{trans.__('none, or the one that the file names')}</option>
        {columns.map(column => (
          <option key={column.name} value={column.name}>
            {column.name}
          </option>
        ))}
      </select>
      <p className="aimass-Form-help">
        {trans._n(
          '%1 column, as its first lines look:',
          '%1 columns, as their first lines look:',
          columns.length,
          columns.length
        )}
      </p>
      <Preview columns={columns} />
    </>
  );
}

function Preview({ columns }: { columns: IColumn[] }): JSX.Element {
  const words: Record<Guess, string> = {
    number: trans.__('number'),
    boolean: trans.__('yes or no'),
    time: trans.__('time'),
    words: trans.__('words'),
    text: trans.__('text'),
    empty: trans.__('empty')
  };
  return (
    // A table that is wider than the dialog is scrolled, with the keyboard too.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="aimass-Answer" tabIndex={0} role="region" aria-label={trans.__('First rows')}>
      <table data-testid="aimass-import-preview">
        <thead>
          <tr>
            <th scope="col">{trans.__('Column')}</th>
            <th scope="col">{trans.__('Kind')}</th>
            <th scope="col">{trans.__('First values')}</th>
          </tr>
        </thead>
        <tbody>
          {columns.map(({ name, guess, values }) => (
            <tr key={name}>
              <td>{name}</td>
              <td>{words[guess]}</td>
              <td className="aimass-Cut">{values.join(' · ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
