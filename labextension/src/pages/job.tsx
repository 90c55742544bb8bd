/**
 * A job as a page: how it goes, why it waits or ended, its curves, what it was made from, what it
 * left.
 */
import { downloadIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { CommandIDs } from '../commands';
import { formatBytes, formatDuration, isActive } from '../format';
import { trans } from '../i18n';
import { useAnswer, useSignal } from '../panel/hooks';
import { JobButtons, progressLine, ranksOf, workOf } from '../panel/jobs';
import { Ago, IconButton, ProgressBar, StateBadge, TextButton } from '../panel/parts';
import { useNewest, Waiting } from '../panel/waiting';
import type { Job } from '../schema';
import type { IPageViewProps, IViewProps } from '../tokens';
import { Charts } from './chart';
import { useCurves } from './curves';
import { Inputs } from './inputs';
import { Answered, Facts, Figures, Head, Parameters, Table, Unfold } from './parts';

interface IJobProps extends IViewProps {
  job: Job;
}

export function JobPage({ id, aimass, actions }: IPageViewProps): JSX.Element {
  useSignal(aimass.jobs.changed);
  const sequence = useNewest(aimass, 'jobs');
  const known = aimass.jobs.items.find(job => job.id === id);
  const answer = useAnswer(
    async () => known ?? aimass.api.call('jobs.show', { job: id }),
    [id, sequence]
  );
  if (known) {
    return <JobView job={known} aimass={aimass} actions={actions} />;
  }
  return (
    <Answered answer={answer}>
      {job => <JobView job={job} aimass={aimass} actions={actions} />}
    </Answered>
  );
}

function JobView({ job, aimass, actions }: IJobProps): JSX.Element {
  return (
    <>
      <Head name={job.name} mark={<StateBadge state={job.state} />}>
        <JobButtons job={job} actions={actions} />
        {actions.has(CommandIDs.openTensorBoard) && (
          <TextButton
            text="TensorBoard"
            testId="aimass-page-tensorboard"
            onClick={() => actions.execute(CommandIDs.openTensorBoard, { run: boardName(job) })}
          />
        )}
      </Head>
      {job.state === 'queued' && <Waiting job={job.id} aimass={aimass} />}
      {isActive(job.state) && job.state !== 'queued' && (
        <>
          <ProgressBar
            label={trans.__('Progress of %1', job.name)}
            fraction={job.progress.fraction}
          />
          <p className="aimass-Row-note">{progressLine(job)}</p>
        </>
      )}
      <End job={job} />
      <Figures metrics={job.metrics} />
      <JobFacts job={job} />
      <JobCurves job={job} aimass={aimass} />
      <Unfold title={trans.__('Parameters')} testId="aimass-page-params">
        {() => <Parameters params={job.params} />}
      </Unfold>
      {aimass.may('jobs.inputs') && (
        <Unfold title={trans.__('What it was made from')} testId="aimass-page-inputs">
          {() => <Inputs job={job.id} api={aimass.api} />}
        </Unfold>
      )}
      {aimass.may('jobs.artifacts') && (
        <Unfold title={trans.__('Files that it left')} testId="aimass-page-artifacts">
          {() => <Artifacts job={job} aimass={aimass} actions={actions} />}
        </Unfold>
      )}
    </>
  );
}

/** The name of a job, or of a run without one, in TensorBoard. */
export function boardName({ name, id }: { name: string; id: string }): string {
  return `${name}-${id.slice(-6)}`;
}

/** How it ended, when not well, and what else a person should know. */
function End({ job: { cause, state, warnings } }: { job: Job }): JSX.Element {
  return (
    <>
      {cause && state !== 'succeeded' && (
        <div className="aimass-Down" role="alert" data-testid="aimass-page-cause">
          <p>{cause.message}</p>
          {cause.last_lines.length > 0 && <pre>{cause.last_lines.join('\n')}</pre>}
        </div>
      )}
      {warnings.map(warning => (
        <p key={warning} className="aimass-Row-warning">
          {warning}
        </p>
      ))}
    </>
  );
}

function JobFacts({ job }: { job: Job }): JSX.Element {
  const { started_at: started, ended_at: ended, restarts, start } = job;
  const warm = start === 'warm' ? trans.__('warm') : start === 'cold' ? trans.__('cold') : null;
  const took = started && ended ? (Date.parse(ended) - Date.parse(started)) / 1000 : null;
  return (
    <Facts
      facts={[
        [trans.__('Work'), workOf(job)],
        [trans.__('Ranks'), ranksOf(job)],
        [trans.__('Owner'), job.owner],
        [trans.__('Submitted'), <Ago key="submitted" moment={job.created_at} />],
        [trans.__('Took'), took === null ? null : formatDuration(took)],
        [trans.__('Start'), warm],
        [
          trans.__('Started again'),
          restarts ? trans._n('once', '%1 times', restarts, restarts) : null
        ],
        [trans.__('Model'), job.model]
      ]}
    />
  );
}

function JobCurves({ job, aimass }: Omit<IJobProps, 'actions'>): JSX.Element {
  const charts = useCurves(
    cursor => aimass.api.call('jobs.metrics', { job: job.id, cursor }),
    [job.id, job.progress, job.state]
  );
  return <Charts charts={charts} />;
}

function Artifacts({ job, aimass, actions }: IJobProps): JSX.Element {
  const answer = useAnswer(
    () => aimass.api.call('jobs.artifacts', { job: job.id }),
    [job.id, job.state]
  );
  const download = (path: string) => void actions.run('jobs.download', { job: job.id, path });
  return (
    <Answered answer={answer}>
      {({ items }) =>
        items.length === 0 ? (
          <p className="aimass-Empty">{trans.__('It left none.')}</p>
        ) : (
          <Table
            label={trans.__('Files that it left')}
            columns={[trans.__('File'), trans.__('Size'), '']}
            rows={items.map(({ path, size_bytes: size }) => [
              path,
              formatBytes(size),
              <IconButton
                key={path}
                icon={downloadIcon}
                label={trans.__('Download %1', path)}
                testId="aimass-artifact"
                onClick={() => download(path)}
              />
            ])}
          />
        )
      }
    </Answered>
  );
}
