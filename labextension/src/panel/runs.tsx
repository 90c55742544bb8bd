/**
 * Runs in the panel: the newest metrics of each, its experiment and tags; two or more are chosen to
 * be compared.
 */
import React, { memo } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { formatMetrics, headline } from '../format';
import { trans } from '../i18n';
import type { Run } from '../schema';
import type { ISectionViewProps } from '../tokens';
import { Choose, Chosen, useChoice } from './choosing';
import { Ago, Name, StateBadge } from './parts';
import { Section } from './section';

interface IRunProps {
  run: Run;
  actions: IActions;
  isChosen: boolean;
  onChoose: (id: string, isChosen: boolean) => void;
}

export function RunsSection(props: ISectionViewProps): JSX.Element {
  const { aimass, actions } = props;
  const { chosen, choose } = useChoice();
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
      above={
        <Chosen
          count={chosen.length}
          line={trans._n('%1 run chosen', '%1 runs chosen', chosen.length, chosen.length)}
          onCompare={() => actions.open('comparison', chosen.join(','), trans.__('Comparison'))}
        />
      }
      empty={trans.__('No runs yet. Every job has one: what it was given, and what came of it.')}
    />
  );
}

const RunRow = memo(function RunRow(props: IRunProps): JSX.Element {
  const { run, actions, isChosen, onChoose } = props;
  const { id, name, state, experiment, tags, metrics, created_at } = run;
  return (
    <li className="aimass-Row" data-testid={`aimass-run-${id}`} data-state={state}>
      <div className="aimass-Row-head">
        {actions.may('runs.compare') && actions.has(CommandIDs.openPage) && (
          <Choose id={id} name={name} isChosen={isChosen} onChoose={onChoose} />
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
