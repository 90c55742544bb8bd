/**
 * Datasets in the panel: rows, columns and the label of each; train on it, delete it; files can be
 * dropped on the section.
 */
import { deleteIcon, runIcon } from '@jupyterlab/ui-components';
import React, { memo, useRef, useState } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { formatBytes } from '../format';
import { trans } from '../i18n';
import type { Dataset } from '../schema';
import type { ISectionViewProps } from '../tokens';
import { Ago, IconButton, Name } from './parts';
import { Section } from './section';

export interface IDatasetsProps extends ISectionViewProps {
  onFiles: (files: File[]) => void;
}

interface IDatasetProps {
  dataset: Dataset;
  actions: IActions;
}

export function DatasetsSection(props: IDatasetsProps): JSX.Element {
  const { aimass, actions, onFiles } = props;
  return (
    <Section
      {...props}
      title={trans.__('Datasets')}
      noun="datasets"
      list={aimass.datasets}
      words={({ name, tags, description }) => [name, description, ...tags]}
      row={dataset => <DatasetRow key={dataset.id} dataset={dataset} actions={actions} />}
      above={actions.may('datasets.import') && <DropPlace onFiles={onFiles} />}
      empty={trans.__('No datasets yet. Drop a file here, or import one that ships along:')}
      examples={aimass.api.operations.get('datasets.import')?.examples.slice(0, 1)}
    />
  );
}

/** Where files are dropped, or chosen with a click or a key. */
function DropPlace({ onFiles }: { onFiles: (files: File[]) => void }): JSX.Element {
  const [isOver, setIsOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const drop = (event: React.DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    onFiles([...event.dataTransfer.files]);
  };
  const over = (event: React.DragEvent) => {
    event.preventDefault();
    setIsOver(true);
  };
  return (
    <>
      <button
        type="button"
        className="aimass-Drop"
        data-testid="aimass-drop"
        data-over={isOver}
        onClick={() => picker.current?.click()}
        onDragOver={over}
        onDragLeave={() => setIsOver(false)}
        onDrop={drop}
      >
        {trans.__('Drop files, or choose them…')}
      </button>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        aria-label={trans.__('Files to import')}
        data-testid="aimass-drop-files"
        onChange={event => onFiles([...(event.target.files ?? [])])}
      />
    </>
  );
}

const DatasetRow = memo(function DatasetRow({ dataset, actions }: IDatasetProps): JSX.Element {
  const { id, name, latest } = dataset;
  const columns = trans._n('%1 column', '%1 columns', latest.columns.length, latest.columns.length);
  const rows = trans._n('%1 row', '%1 rows', latest.rows, latest.rows.toLocaleString());
  return (
    <li className="aimass-Row" data-testid={`aimass-dataset-${id}`}>
      <div className="aimass-Row-head">
        <Name noun="datasets" id={id} name={name} actions={actions} />
        <span className="aimass-Version">v{latest.version}</span>
        <DatasetButtons dataset={dataset} actions={actions} />
      </div>
      <div className="aimass-Row-note">
        {[rows, columns, formatBytes(latest.size_bytes)].join(' · ')} ·{' '}
        <Ago moment={latest.created_at} />
      </div>
      {latest.label && (
        <div className="aimass-Row-note">
          {trans.__('learns %1 · %2', latest.label, latest.task ?? '')}
        </div>
      )}
    </li>
  );
});

export function DatasetButtons({ dataset: { name }, actions }: IDatasetProps): JSX.Element {
  const question = trans.__('Delete dataset “%1” with all its versions?', name);
  const confirm = { question, verb: trans.__('Delete') };
  return (
    <span className="aimass-Row-buttons">
      {actions.may('jobs.submit') && actions.has(CommandIDs.trainOn) && (
        <IconButton
          icon={runIcon}
          label={trans.__('Train on %1', name)}
          word={trans.__('Train')}
          testId="aimass-dataset-train"
          onClick={() => actions.execute(CommandIDs.trainOn, { dataset: name })}
        />
      )}
      {actions.may('datasets.delete') && (
        <IconButton
          icon={deleteIcon}
          label={trans.__('Delete %1', name)}
          word={trans.__('Delete')}
          testId="aimass-dataset-delete"
          onClick={() => void actions.run('datasets.delete', { dataset: name }, { confirm })}
        />
      )}
    </span>
  );
}
