/**
 * Jobs in the panel: the state of each, how far it is, why it waits or ended, and what can be done
 * with it.
 */
import { offlineBoltIcon, redoIcon, stopIcon, textEditorIcon } from '@jupyterlab/ui-components';
import React, { memo, useState } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { formatDuration, formatMetrics, headline, isActive } from '../format';
import { trans } from '../i18n';
import type { Job } from '../schema';
import type { IAimass, ISectionViewProps } from '../tokens';
import { Ago, IconButton, Name, ProgressBar, StateBadge } from './parts';
import { Section } from './section';
import { Trend } from './trend';
import { Waiting } from './waiting';

const METRICS_SHOWN = 2;

interface IJobProps {
  job: Job;
  aimass: IAimass;
  actions: IActions;
}

export function JobsSection(props: ISectionViewProps): JSX.Element {
  const { aimass, actions } = props;
  const examples = ['datasets.import', 'jobs.submit'].flatMap(
    name => aimass.api.operations.get(name)?.examples.slice(0, 1) ?? []
  );
  return (
    <Section
      {...props}
      title={trans.__('Jobs')}
      noun="jobs"
      list={aimass.jobs}
      words={jobWords}
      row={job => <JobRow key={job.id} job={job} aimass={aimass} actions={actions} />}
      empty={trans.__(
        'No jobs yet. Import data and train a first model, with the buttons above or in a cell:'
      )}
      examples={examples}
    />
  );
}

/** Words that the filter looks through. */
function jobWords(job: Job): string[] {
  const { name, state, kind, dataset, algorithm } = job;
  return [name, state, kind, dataset, algorithm, job.model ?? job.result ?? '', job.id];
}

const JobRow = memo(function JobRow(props: IJobProps): JSX.Element {
  const { job, aimass, actions } = props;
  return (
    <li className="aimass-Row" data-testid={`aimass-job-${job.id}`} data-state={job.state}>
      <div className="aimass-Row-head">
        <Name noun="jobs" id={job.id} name={job.name} actions={actions} />
        <JobButtons job={job} actions={actions} />
      </div>
      <div className="aimass-Row-note">
        <StateBadge state={job.state} /> · {workOf(job)} · {job.np > 1 && `${ranksOf(job)} · `}
        <Ago moment={job.created_at} />
      </div>
      {job.state === 'queued' ? (
        <Queued job={job} aimass={aimass} />
      ) : isActive(job.state) ? (
        <Running job={job} aimass={aimass} />
      ) : (
        <Ended job={job} />
      )}
    </li>
  );
});

/** What a job does, in a few words. */
export function workOf({ algorithm, dataset, input, kind, source }: Job): string {
  if (!algorithm) {
    const about = dataset || input?.name;
    return about ? trans.__('%1 of %2', kind, about) : kind;
  }
  const what = source ? source.entry : algorithm;
  return dataset ? trans.__('%1 of %2', what, dataset) : what;
}

/** What a job runs on: "horovod × 2". */
export function ranksOf({ engine, np }: Job): string {
  return `${engine} × ${np}`.replace(/ /g, '\u00a0');
}

export function JobButtons({ job, actions }: { job: Job; actions: IActions }): JSX.Element {
  const { id, name, np, state, model } = job;
  const stoppable = isActive(state) && state !== 'stopping' && actions.may('jobs.stop');
  return (
    <span className="aimass-Row-buttons">
      {model && actions.may('endpoints.deploy') && (
        <IconButton
          icon={offlineBoltIcon}
          label={trans.__('Deploy %1', model)}
          word={trans.__('Deploy')}
          testId="aimass-job-deploy"
          onClick={() => void actions.run('endpoints.deploy', { model }, { form: true })}
        />
      )}
      {!isActive(state) && actions.may('jobs.rerun') && (
        <IconButton
          icon={redoIcon}
          label={trans.__('Run %1 again', name)}
          word={trans.__('Run again')}
          testId="aimass-job-rerun"
          onClick={() => void actions.run('jobs.rerun', { job: id }, { form: true })}
        />
      )}
      {actions.has(CommandIDs.openLog) && (
        <IconButton
          icon={textEditorIcon}
          label={trans.__('Open the log of %1', name)}
          word={trans.__('Log')}
          testId="aimass-job-log"
          onClick={() => actions.execute(CommandIDs.openLog, { job: id, name, np })}
        />
      )}
      {stoppable && (
        <IconButton
          icon={stopIcon}
          label={trans.__('Stop %1', name)}
          word={trans.__('Stop')}
          testId="aimass-job-stop"
          onClick={() => stop(job, actions)}
        />
      )}
    </span>
  );
}

function stop({ id, name }: Job, actions: IActions): void {
  const question = trans.__('Stop job “%1” and every process of it?', name);
  void actions.run('jobs.stop', { job: id }, { confirm: { question, verb: trans.__('Stop') } });
}

/** A job that waits; what it waits for is asked only when somebody wants to know. */
function Queued({ job, aimass }: { job: Job; aimass: IAimass }): JSX.Element {
  const [asked, setAsked] = useState(false);
  if (!aimass.may('jobs.why')) {
    return <div className="aimass-Row-note">{trans.__('Waits for its turn')}</div>;
  }
  return asked ? (
    <Waiting job={job.id} aimass={aimass} />
  ) : (
    <button
      type="button"
      className="aimass-Quiet"
      data-testid="aimass-job-why"
      onClick={() => setAsked(true)}
    >
      {trans.__('Why does it wait?')}
    </button>
  );
}

function Running({ job, aimass }: { job: Job; aimass: IAimass }): JSX.Element {
  const { fraction, metrics } = job.progress;
  return (
    <>
      <ProgressBar label={trans.__('Progress of %1', job.name)} fraction={fraction} />
      <div className="aimass-Row-trend">
        <span className="aimass-Row-note" title={formatMetrics(metrics)}>
          {progressLine(job)}
        </span>
        <Trend job={job} aimass={aimass} />
      </div>
    </>
  );
}

/** How far a job is: "40% · 1 min left · loss 0.21". */
export function progressLine({ progress }: Job): string {
  const { fraction, eta_seconds: eta, metrics } = progress;
  const parts = [
    `${Math.round(fraction * 100)}%`,
    eta === null ? '' : trans.__('%1 left', formatDuration(eta)),
    formatMetrics(headline(metrics))
  ];
  return parts.filter(Boolean).join(' · ');
}

function Ended({ job }: { job: Job }): JSX.Element {
  const { state, cause, metrics, model, warnings } = job;
  const parts = [formatMetrics(metrics, METRICS_SHOWN), model ? `→ ${model}` : ''];
  const line = parts.filter(Boolean).join(' · ');
  return (
    <>
      {cause && state !== 'succeeded' && (
        <div className="aimass-Row-cause" data-state={state} title={cause.last_lines.join('\n')}>
          {cause.message}
        </div>
      )}
      {warnings.length > 0 && <div className="aimass-Row-warning">{warnings.join(' · ')}</div>}
      {line && (
        <div className="aimass-Row-note" title={formatMetrics(metrics)}>
          {line}
        </div>
      )}
    </>
  );
}
