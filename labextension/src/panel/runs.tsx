/**
 * Runs in the panel: the newest metrics of each, its experiment and tags; two or more are chosen to
 * be compared.
 */
import React, { memo, useCallback, useState } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { formatMetrics, headline } from '../format';
import { trans } from '../i18n';
import type { Run } from '../schema';
import type { ISectionViewProps } from '../tokens';
import { Ago, Name, StateBadge, TextButton } from './parts';
import { Section } from './section';

interface IRunProps {
  run: Run;
  actions: IActions;
  isChosen: boolean;
  onChoose: (id: string, isChosen: boolean) => void;
}

export function RunsSection(props: ISectionViewProps): JSX.Element {
  const { aimass, actions } = props;
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const choose = useCallback(
    (id: string, isChosen: boolean) =>
      setChosen(old => [...old.filter(each => each !== id), ...(isChosen ? [id] : [])]),
    []
  );
  return (
    <Section
      {...props}
      title={trans.__('Runs')}
      noun="runs"
      list={aimass.runs}
      words={run => [run.name, run.experiment, run.state, run.notes, ...run.tags]}
      row={run => (
        <RunRow
          key={run.id}
          run={run}
          actions={actions}
          isChosen={chosen.includes(run.id)}
          onChoose={choose}
        />
      )}
      above={chosen.length > 0 && <Compare chosen={chosen} actions={actions} />}
      empty={trans.__('No runs yet. Every job has one: what it was given, and what came of it.')}
    />
  );
}

function Compare(props: { chosen: readonly string[]; actions: IActions }): JSX.Element {
  const { chosen, actions } = props;
  return (
    <div className="aimass-Chosen">
      <span>{trans._n('%1 run chosen', '%1 runs chosen', chosen.length, chosen.length)}</span>
      {chosen.length > 1 && (
        <TextButton
          text={trans.__('Compare')}
          testId="aimass-compare"
          onClick={() => actions.open('comparison', chosen.join(','), trans.__('Comparison'))}
        />
      )}
    </div>
  );
}

const RunRow = memo(function RunRow(props: IRunProps): JSX.Element {
  const { run, actions, isChosen, onChoose } = props;
  const { id, name, state, experiment, tags, metrics, created_at } = run;
  return (
    <li className="aimass-Row" data-testid={`aimass-run-${id}`} data-state={state}>
      <div className="aimass-Row-head">
        {actions.may('runs.compare') && actions.has(CommandIDs.openPage) && (
          <input
            type="checkbox"
            aria-label={trans.__('Choose %1', name)}
            checked={isChosen}
            onChange={event => onChoose(id, event.target.checked)}
          />
        )}
        <StateBadge state={state} />
        <Name noun="jobs" id={run.job} name={name} actions={actions} />
        {tags.map(tag => (
          <span key={tag} className="aimass-Alias">
            {tag}
          </span>
        ))}
      </div>
      <div className="aimass-Row-note" title={formatMetrics(metrics)}>
        {[experiment, formatMetrics(headline(metrics))].filter(Boolean).join(' · ')} ·{' '}
        <Ago moment={created_at} />
      </div>
    </li>
  );
});
