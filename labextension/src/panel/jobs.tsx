/**
 * A job as a row: its state, how far it is, why it ended, and what can be done with it.
 */
import { offlineBoltIcon, stopIcon, textEditorIcon } from '@jupyterlab/ui-components';
import React, { memo } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { formatDuration, formatMetrics, headline } from '../format';
import type { Job } from '../schema';
import { Ago, IconButton, StateBadge } from './parts';

const ACTIVE = new Set<Job['state']>(['queued', 'starting', 'running', 'stopping']);
const METRICS_SHOWN = 2;

interface IJobProps {
  job: Job;
  actions: IActions;
}

/** Words that the filter looks through. */
export function jobWords(job: Job): string[] {
  return [job.name, job.state, job.dataset, job.algorithm, job.model ?? '', job.id];
}

export const JobRow = memo(function JobRow({ job, actions }: IJobProps): JSX.Element {
  return (
    <li className="aimass-Row" data-testid={`aimass-job-${job.id}`} data-state={job.state}>
      <div className="aimass-Row-head">
        <StateBadge state={job.state} />
        <span className="aimass-Row-name" title={job.id}>
          {job.name}
        </span>
        <JobButtons job={job} actions={actions} />
      </div>
      <div className="aimass-Row-note">
        {job.algorithm} of {job.dataset} · {job.engine} × {job.np} · <Ago moment={job.created_at} />
      </div>
      {ACTIVE.has(job.state) ? <Running job={job} /> : <Ended job={job} />}
    </li>
  );
});

function JobButtons({ job, actions }: IJobProps): JSX.Element {
  const { id, name, np, state, model } = job;
  const question = `Stop job '${name}' and every process of it?`;
  const stoppable = ACTIVE.has(state) && state !== 'stopping' && actions.may('jobs.stop');
  return (
    <span className="aimass-Row-buttons">
      {model && actions.may('endpoints.deploy') && (
        <IconButton
          icon={offlineBoltIcon}
          label={`Deploy ${model}`}
          testId="aimass-job-deploy"
          onClick={() => void actions.run('endpoints.deploy', { model }, { form: true })}
        />
      )}
      {actions.has(CommandIDs.openLog) && (
        <IconButton
          icon={textEditorIcon}
          label={`Open the log of ${name}`}
          testId="aimass-job-log"
          onClick={() => actions.execute(CommandIDs.openLog, { job: id, name, np })}
        />
      )}
      {stoppable && (
        <IconButton
          icon={stopIcon}
          label={`Stop ${name}`}
          testId="aimass-job-stop"
          onClick={() => void actions.run('jobs.stop', { job: id }, { confirm: question })}
        />
      )}
    </span>
  );
}

function Running({ job }: { job: Job }): JSX.Element {
  const { fraction, eta_seconds: eta, metrics } = job.progress;
  const percent = Math.round(fraction * 100);
  const parts = [
    `${percent}%`,
    eta === null ? '' : `${formatDuration(eta)} left`,
    formatMetrics(headline(metrics))
  ];
  return (
    <>
      <div
        className="aimass-Progress"
        role="progressbar"
        aria-label={`Progress of ${job.name}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
      >
        <div style={{ width: `${percent}%` }} />
      </div>
      <div className="aimass-Row-note" title={formatMetrics(metrics)}>
        {parts.filter(Boolean).join(' · ')}
      </div>
    </>
  );
}

function Ended({ job }: { job: Job }): JSX.Element {
  const { state, cause, metrics, model } = job;
  const parts = [formatMetrics(metrics, METRICS_SHOWN), model ? `→ ${model}` : ''];
  const line = parts.filter(Boolean).join(' · ');
  return (
    <>
      {cause && state !== 'succeeded' && (
        <div className="aimass-Row-cause" data-state={state} title={cause.last_lines.join('\n')}>
          {cause.message}
        </div>
      )}
      {line && (
        <div className="aimass-Row-note" title={formatMetrics(metrics)}>
          {line}
        </div>
      )}
    </>
  );
}
