/**
 * A run as a page: how it goes or ended, its curves, what it was made with. It may have no job: a
 * notebook or another program tracks it, and nothing but asking tells how far it is.
 */
import React, { useRef } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { formatDuration, isActive } from '../format';
import { trans } from '../i18n';
import { useAnswer } from '../panel/hooks';
import { Ago, Name, StateBadge, TextButton } from '../panel/parts';
import { useNewest } from '../panel/waiting';
import type { Run } from '../schema';
import type { IPageViewProps, IViewProps } from '../tokens';
import { Charts } from './chart';
import { pair } from './comparison';
import { useCurves } from './curves';
import { boardName } from './job';
import { Answered, Facts, Head, Parameters, Table } from './parts';
import { useTicks } from './ticks';

const LOOK_MS = 3_000;

interface IRunProps extends IViewProps {
  run: Run;
  /** How often it was looked at. */
  looks: number;
}

export function RunPage({ id, aimass, actions }: IPageViewProps): JSX.Element {
  const body = useRef<HTMLDivElement>(null);
  const sequence = useNewest(aimass, 'runs', 'jobs');
  const ticks = useTicks(body, LOOK_MS);
  const isOver = useRef(false);
  // One that has ended changes no more without an event.
  const looks = isOver.current ? 0 : ticks;
  const answer = useAnswer(() => aimass.api.call('runs.show', { run: id }), [id, sequence, looks]);
  isOver.current = answer.value !== null && !isActive(answer.value.state);
  return (
    <div className="aimass-Page-part" ref={body}>
      <Answered answer={answer}>
        {run => <RunView run={run} looks={looks} aimass={aimass} actions={actions} />}
      </Answered>
    </div>
  );
}

function RunView({ run, looks, aimass, actions }: IRunProps): JSX.Element {
  const charts = useCurves(
    cursor => aimass.api.call('runs.metrics', { run: run.id, cursor }),
    [run.id, run.state, looks]
  );
  return (
    <>
      <Head name={run.name} mark={<StateBadge state={run.state} />}>
        <RunButtons run={run} actions={actions} />
      </Head>
      {run.cause && run.state !== 'succeeded' && (
        <div className="aimass-Down" role="alert" data-testid="aimass-page-cause">
          <p>{run.cause.message}</p>
        </div>
      )}
      <RunFacts run={run} actions={actions} />
      <Charts charts={charts} />
      <h3>{trans.__('Parameters')}</h3>
      <Parameters params={run.params} />
      <h3>{trans.__('Metrics: newest (best)')}</h3>
      <Table
        label={trans.__('Metrics')}
        columns={[trans.__('Metric'), trans.__('Newest (best)')]}
        rows={Object.entries(run.metrics).map(([name, value]) => [
          name,
          pair(value, run.best[name])
        ])}
      />
    </>
  );
}

function RunButtons({ run, actions }: { run: Run; actions: IActions }): JSX.Element {
  const ask = (operation: string, values = {}) =>
    void actions.run(operation, { run: run.id, ...values }, { form: true });
  return (
    <>
      {actions.may('runs.tag') && (
        <TextButton
          text={trans.__('Tag…')}
          testId="aimass-run-tag"
          onClick={() => ask('runs.tag')}
        />
      )}
      {actions.may('runs.note') && (
        <TextButton
          text={trans.__('Notes…')}
          testId="aimass-run-note"
          onClick={() => ask('runs.note', { notes: run.notes })}
        />
      )}
      {actions.has(CommandIDs.openTensorBoard) && (
        <TextButton
          text="TensorBoard"
          testId="aimass-page-tensorboard"
          onClick={() => actions.execute(CommandIDs.openTensorBoard, { run: boardOf(run) })}
        />
      )}
    </>
  );
}

/** Its name in TensorBoard: that of its job, where it has one. */
function boardOf({ id, job, name }: Run): string {
  return boardName({ name, id: job || id });
}

function RunFacts({ run, actions }: { run: Run; actions: IActions }): JSX.Element {
  const { started_at: started, ended_at: ended } = run;
  const took = started && ended ? (Date.parse(ended) - Date.parse(started)) / 1000 : null;
  return (
    <Facts
      facts={[
        [trans.__('Experiment'), run.experiment],
        [trans.__('Job'), run.job && <JobName key="job" run={run} actions={actions} />],
        [trans.__('Owner'), run.owner],
        [trans.__('Started'), <Ago key="started" moment={started ?? run.created_at} />],
        [trans.__('Took'), took === null ? null : formatDuration(took)],
        [trans.__('Tags'), run.tags.join(', ')],
        [trans.__('Notes'), run.notes]
      ]}
    />
  );
}

function JobName({ run, actions }: { run: Run; actions: IActions }): JSX.Element {
  return <Name noun="jobs" id={run.job} name={run.job} actions={actions} />;
}
