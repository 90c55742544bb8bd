/**
 * A cluster as a page: its nodes, what is used of each and by which jobs; while the page is seen it
 * looks again as often as nodes are sampled.
 */
import { addIcon, checkIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';
import React, { useRef } from 'react';

import type { IActions } from '../actions';
import { formatBytes, formatMemory } from '../format';
import { trans } from '../i18n';
import { ClusterButtons, sizeOf } from '../panel/clusters';
import { useAnswer } from '../panel/hooks';
import { CopyLine, IconButton, Name, StateBadge } from '../panel/parts';
import { useNewest } from '../panel/waiting';
import type { Cluster, ClusterUsage, JobUse, Node, NodeUsage } from '../schema';
import type { IAimass, IPageViewProps } from '../tokens';
import { Chart } from './chart';
import { Answered, Facts, Head, Table, Unfold } from './parts';
import { useTicks } from './ticks';

/** How often the server samples a node. */
const SAMPLE_MS = 10_000;
const MOST_NODES = 200;

interface ISeen {
  readonly cluster: Cluster;
  readonly nodes: readonly Node[];
  readonly usage: ClusterUsage;
}

export function ClusterPage({ id, aimass, actions }: IPageViewProps): JSX.Element {
  const body = useRef<HTMLDivElement>(null);
  const happened = useNewest(aimass, 'clusters', 'nodes', 'jobs');
  const ticks = useTicks(body, SAMPLE_MS);
  const answer = useAnswer(() => look(aimass, id), [id, ticks, happened]);
  return (
    <div className="aimass-Page-part" ref={body}>
      <Answered answer={answer}>
        {seen => <ClusterView seen={seen} aimass={aimass} actions={actions} />}
      </Answered>
    </div>
  );
}

async function look({ api }: IAimass, id: string): Promise<ISeen> {
  const [cluster, nodes, usage] = await Promise.all([
    api.call('clusters.show', { cluster: id }),
    api.call('nodes.list', { cluster: id, limit: MOST_NODES }),
    api.call('clusters.usage', { cluster: id })
  ]);
  return { cluster, nodes: nodes.items, usage };
}

interface IViewProps {
  seen: ISeen;
  aimass: IAimass;
  actions: IActions;
}

function ClusterView({ seen, aimass, actions }: IViewProps): JSX.Element {
  const { cluster, nodes, usage } = seen;
  const { name, state, owner, tenants, public_key: key } = cluster;
  return (
    <>
      <Head name={name} mark={<StateBadge state={state} />}>
        <Keeping cluster={cluster} actions={actions} />
        <ClusterButtons cluster={cluster} actions={actions} />
      </Head>
      <p>{sizeOf(cluster)}</p>
      {cluster.reason && <p className="aimass-Row-warning">{cluster.reason}</p>}
      <Facts
        facts={[
          [trans.__('Owner'), owner],
          [trans.__('For tenants'), tenants.filter(tenant => tenant !== '*').join(', ')],
          [
            trans.__('Key for its nodes'),
            key && <CopyLine key="key" text={key} onCopy={text => actions.copy(text)} />
          ]
        ]}
      />
      <h3>{trans.__('Nodes')}</h3>
      {nodes.length > 0 ? (
        <Nodes nodes={nodes} usage={usage} actions={actions} />
      ) : (
        <p className="aimass-Empty">{trans.__('No nodes yet: add machines to it.')}</p>
      )}
      <h3>{trans.__('Who uses it')}</h3>
      {usage.jobs.length > 0 ? (
        <Users jobs={usage.jobs} actions={actions} />
      ) : (
        <p className="aimass-Empty">{trans.__('No job runs on it.')}</p>
      )}
      {nodes.map(node => (
        <Unfold
          key={node.name}
          title={trans.__('What was used of %1', node.name)}
          testId={`aimass-node-history-${node.name}`}
        >
          {() => <History aimass={aimass} cluster={name} node={node.name} />}
        </Unfold>
      ))}
    </>
  );
}

/** What is done with a cluster that was made: look whether its nodes are fit, add one. */
function Keeping({ cluster, actions }: { cluster: Cluster; actions: IActions }): JSX.Element {
  const { name, kind } = cluster;
  return (
    <span className="aimass-Row-buttons">
      {kind !== 'local' && actions.may('clusters.check') && (
        <IconButton
          icon={checkIcon}
          label={trans.__('Check the nodes of %1', name)}
          testId="aimass-cluster-check"
          onClick={() => void actions.run('clusters.check', { cluster: name })}
        />
      )}
      {kind !== 'local' && actions.may('nodes.add') && (
        <IconButton
          icon={addIcon}
          label={trans.__('Add a node to %1', name)}
          testId="aimass-cluster-add"
          onClick={() => void actions.run('nodes.add', { cluster: name }, { form: true })}
        />
      )}
    </span>
  );
}

interface INodesProps {
  nodes: readonly Node[];
  usage: ClusterUsage;
  actions: IActions;
}

function Nodes({ nodes, usage, actions }: INodesProps): JSX.Element {
  const used = new Map(usage.nodes.map(each => [each.node, each]));
  const hasGpu = usage.nodes.some(({ now }) => now?.gpu_percent != null);
  return (
    <Table
      label={trans.__('Nodes')}
      columns={[
        trans.__('Name'),
        trans.__('State'),
        trans.__('Slots used'),
        trans.__('CPU'),
        trans.__('Memory'),
        trans.__('Disk'),
        trans.__('Network in, out'),
        ...(hasGpu ? [trans.__('GPU')] : []),
        trans.__('Labels'),
        ''
      ]}
      rows={nodes.map(node => [
        node.name,
        <StateBadge key="state" state={node.state} />,
        trans.__('%1 of %2', node.slots_used, node.slots),
        ...usedOf(used.get(node.name), hasGpu),
        [node.profile, ...node.labels, node.reason].filter(Boolean).join(', '),
        <NodeButtons key="buttons" node={node} actions={actions} />
      ])}
    />
  );
}

function usedOf(usage: NodeUsage | undefined, hasGpu: boolean): string[] {
  const now = usage?.now;
  if (!usage || !now) {
    return Array<string>(hasGpu ? 5 : 4).fill('–');
  }
  const { received_bytes_per_second: received, sent_bytes_per_second: sent } = now;
  return [
    trans.__('%1 of %2', percent(now.cpu_percent), usage.cpus),
    trans.__('%1, %2', percent(now.memory_percent), formatMemory(now.memory_bytes)),
    percent(now.disk_percent),
    trans.__('%1/s, %2/s', formatBytes(received), formatBytes(sent)),
    ...(hasGpu ? [now.gpu_percent == null ? '–' : percent(now.gpu_percent)] : [])
  ];
}

function percent(value: number): string {
  return `${Math.round(value)}%`;
}

function NodeButtons({ node, actions }: { node: Node; actions: IActions }): JSX.Element {
  const { name, cluster, state } = node;
  if (cluster === 'local') {
    return <></>;
  }
  const rests = state === 'draining' || state === 'drained';
  return (
    <span className="aimass-Row-buttons">
      {rests && actions.may('nodes.resume') && (
        <IconButton
          icon={runIcon}
          label={trans.__('Let jobs begin on %1 again', name)}
          testId="aimass-node-resume"
          onClick={() => void actions.run('nodes.resume', { cluster, node: name })}
        />
      )}
      {!rests && actions.may('nodes.drain') && (
        <IconButton
          icon={stopIcon}
          label={trans.__('Drain %1', name)}
          testId="aimass-node-drain"
          onClick={() => void actions.run('nodes.drain', { cluster, node: name }, { form: true })}
        />
      )}
    </span>
  );
}

function Users({ jobs, actions }: { jobs: readonly JobUse[]; actions: IActions }): JSX.Element {
  return (
    <Table
      label={trans.__('Who uses it')}
      columns={[
        trans.__('Job'),
        trans.__('Owner'),
        trans.__('Node'),
        trans.__('Processes'),
        trans.__('CPU, of one core'),
        trans.__('Memory')
      ]}
      rows={jobs.map(use => [
        use.job ? (
          <Name key="job" noun="jobs" id={use.job} name={use.name} actions={actions} />
        ) : (
          use.name
        ),
        use.owner,
        use.node,
        use.processes,
        percent(use.cpu_percent),
        formatMemory(use.memory_bytes)
      ])}
    />
  );
}

interface IHistoryProps {
  aimass: IAimass;
  cluster: string;
  node: string;
}

/** What was used of a node, in percent, over minutes that are past. */
function History({ aimass, cluster, node }: IHistoryProps): JSX.Element {
  const body = useRef<HTMLDivElement>(null);
  const ticks = useTicks(body, SAMPLE_MS);
  const answer = useAnswer(
    () => aimass.api.call('nodes.usage', { cluster, node }),
    [cluster, node, ticks]
  );
  return (
    <div className="aimass-Charts" ref={body}>
      <Answered answer={answer}>
        {({ history }) => (
          <Chart
            title={trans.__('Used, in percent')}
            curves={curvesOf(history)}
            format={minutes => trans.__('%1 min', minutes)}
          />
        )}
      </Answered>
    </div>
  );
}

function curvesOf(history: NodeUsage['history']) {
  const moments = history.map(({ at }) => Date.parse(at) / 60_000);
  const newest = moments[moments.length - 1] ?? 0;
  const steps = moments.map(moment => Math.round(10 * (moment - newest)) / 10);
  const curves = [
    { label: trans.__('CPU'), values: history.map(({ cpu_percent: value }) => value) },
    { label: trans.__('memory'), values: history.map(({ memory_percent: value }) => value) },
    { label: trans.__('GPU'), values: history.map(({ gpu_percent: value }) => value) }
  ];
  return curves
    .filter(({ values }) => values.some(value => value !== null))
    .map(curve => ({ ...curve, steps }));
}
