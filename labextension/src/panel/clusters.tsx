/**
 * Clusters in the panel: the state of each, its nodes, and how many of its slots are in use; stop
 * and start them.
 */
import { runIcon, stopIcon } from '@jupyterlab/ui-components';
import React, { memo } from 'react';

import type { IActions } from '../actions';
import { trans } from '../i18n';
import type { Cluster } from '../schema';
import type { ISectionViewProps } from '../tokens';
import { IconButton, Name, ProgressBar, StateBadge } from './parts';
import { Section } from './section';

interface IClusterProps {
  cluster: Cluster;
  actions: IActions;
}

export function ClustersSection(props: ISectionViewProps): JSX.Element {
  const { aimass, actions } = props;
  return (
    <Section
      {...props}
      title={trans.__('Clusters')}
      noun="clusters"
      list={aimass.clusters}
      words={({ name, kind, state, owner }) => [name, kind, state, owner]}
      row={cluster => <ClusterRow key={cluster.name} cluster={cluster} actions={actions} />}
      empty={trans.__('No clusters that you may use. Who runs the server can make one:')}
      examples={aimass.api.operations.get('clusters.create')?.examples.slice(0, 1)}
    />
  );
}

const ClusterRow = memo(function ClusterRow({ cluster, actions }: IClusterProps): JSX.Element {
  const { name, state, reason, slots, slots_used: used } = cluster;
  return (
    <li className="aimass-Row" data-testid={`aimass-cluster-${name}`} data-state={state}>
      <div className="aimass-Row-head">
        <Name noun="clusters" id={name} name={name} actions={actions} />
        <ClusterButtons cluster={cluster} actions={actions} />
      </div>
      <div className="aimass-Row-note">
        <StateBadge state={state} /> · {sizeOf(cluster)}
      </div>
      {reason && <div className="aimass-Row-warning">{reason}</div>}
      <ProgressBar
        label={trans.__('Slots of %1 in use', name)}
        fraction={slots ? Math.min(1, used / slots) : 0}
      />
    </li>
  );
});

/** What a cluster is, in a line: "ssh · 3 nodes · 4 of 12 slots in use". */
export function sizeOf({ kind, nodes, slots, slots_used: used }: Cluster): string {
  return [
    kind === 'local' ? trans.__('this machine') : kind,
    kind === 'local' ? '' : trans._n('%1 node', '%1 nodes', nodes, nodes),
    trans.__('%1 of %2 slots in use', used, slots)
  ]
    .filter(Boolean)
    .join(' · ');
}

/** This machine is always there: it is neither stopped nor started. */
export function ClusterButtons({ cluster, actions }: IClusterProps): JSX.Element {
  const { name, kind, state } = cluster;
  const question = trans.__(
    'Stop cluster “%1”? Jobs that run on it go on; no more begin there.',
    name
  );
  const confirm = { question, verb: trans.__('Stop') };
  const isOurs = kind !== 'local';
  return (
    <span className="aimass-Row-buttons">
      {isOurs && state === 'stopped' && actions.may('clusters.start') && (
        <IconButton
          icon={runIcon}
          label={trans.__('Start %1', name)}
          word={trans.__('Start')}
          testId="aimass-cluster-start"
          onClick={() => void actions.run('clusters.start', { cluster: name })}
        />
      )}
      {isOurs && state === 'running' && actions.may('clusters.stop') && (
        <IconButton
          icon={stopIcon}
          label={trans.__('Stop %1', name)}
          word={trans.__('Stop')}
          testId="aimass-cluster-stop"
          onClick={() => void actions.run('clusters.stop', { cluster: name }, { confirm })}
        />
      )}
    </span>
  );
}
