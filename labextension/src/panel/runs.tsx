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
import { type Choice, Choose, Chosen, useChoice } from './choosing';
import { Ago, Name, StateBadge } from './parts';
import { Section } from './section';

interface IRunProps {
  run: Run;
  actions: IActions;
  isChosen: boolean;
  onChoose: Choice;
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
      words={run => [run.name, run.experiment, run.state, run.notes, whose(run), ...run.tags]}
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
      empty={trans.__(
        'No runs yet. Every job has one: what it was given, and what came of it. A notebook may begin one of its own:'
      )}
      examples={aimass.api.operations.get('runs.start')?.examples.slice(0, 1)}
    />
  );
}

const RunRow = memo(function RunRow(props: IRunProps): JSX.Element {
  const { run, actions, isChosen, onChoose } = props;
  const { id, name, state, experiment, tags, metrics, created_at } = run;
  const place = experiment === name ? '' : experiment;
  const told = [place, whose(run), formatMetrics(headline(metrics))].filter(Boolean).join(' · ');
  return (
    <li className="aimass-Row" data-testid={`aimass-run-${id}`} data-state={state}>
      <div className="aimass-Row-head">
        {actions.may('runs.compare') && actions.has(CommandIDs.openPage) && (
          <Choose id={id} name={name} isChosen={isChosen} onChoose={onChoose} />
        )}
        <Name noun="runs" id={id} name={name} actions={actions} />
        {tags.map(tag => (
          <span key={tag} className="aimass-Alias">
            {tag}
          </span>
        ))}
      </div>
      <div className="aimass-Row-note" title={formatMetrics(metrics)}>
        <StateBadge state={state} /> · {told && `${told} · `}
        <Ago moment={created_at} />
      </div>
    </li>
  );
});

/** Said of those only that a person would look for among the jobs in vain. */
function whose({ job }: Run): string {
  return job ? '' : trans.__('without a job');
}
