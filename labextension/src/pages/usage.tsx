/**
 * How an endpoint is used: requests, how long answers took, errors, over the last minutes.
 */
import React from 'react';

import { formatDuration, formatNumber } from '../format';
import { trans } from '../i18n';
import type { EndpointSample, EndpointUsage } from '../schema';
import { Chart, type ICurve } from './chart';
import { Facts, Table } from './parts';

export function Usage({ usage }: { usage: EndpointUsage }): JSX.Element {
  const { requests, errors, refused, latency, history, versions } = usage;
  if (requests === 0) {
    return <p className="aimass-Empty">{trans.__('Nobody asked it lately.')}</p>;
  }
  const minutes = (at: number) => trans.__('%1 min', at);
  return (
    <>
      <Facts
        facts={[
          [trans.__('Within'), formatDuration(usage.window_seconds)],
          [trans.__('Requests'), countOf(requests, errors, refused)],
          [trans.__('A second'), formatNumber(usage.requests_per_second)],
          [trans.__('Half within'), milliseconds(latency.p50_ms)],
          [trans.__('95% within'), milliseconds(latency.p95_ms)],
          [trans.__('99% within'), milliseconds(latency.p99_ms)]
        ]}
      />
      <div className="aimass-Charts">
        <Chart title={trans.__('Requests a second')} curves={rates(history)} format={minutes} />
        <Chart title={trans.__('Milliseconds')} curves={latencies(history)} format={minutes} />
      </div>
      {versions.length > 1 && (
        <Table
          label={trans.__('Versions that answered')}
          columns={[
            trans.__('Version'),
            trans.__('Requests'),
            trans.__('Share'),
            trans.__('Errors')
          ]}
          rows={versions.map(each => [
            each.model,
            each.requests,
            `${Math.round(each.share * 100)}%`,
            each.errors
          ])}
        />
      )}
    </>
  );
}

function countOf(requests: number, errors: number, refused: number): string {
  return [
    String(requests),
    errors ? trans._n('%1 failed', '%1 failed', errors, errors) : '',
    refused ? trans._n('%1 was wrong', '%1 were wrong', refused, refused) : ''
  ]
    .filter(Boolean)
    .join(', ');
}

function milliseconds(value: number | null): string {
  return value === null ? '' : trans.__('%1 ms', formatNumber(value));
}

/** Minutes since the newest sample, which is 0. */
function moments(history: readonly EndpointSample[]): number[] {
  const times = history.map(({ at }) => Date.parse(at) / 60_000);
  return times.map(time => Math.round(100 * (time - times[times.length - 1])) / 100);
}

function rates(history: readonly EndpointSample[]): ICurve[] {
  const steps = moments(history);
  const told: ICurve[] = [
    {
      label: trans.__('requests'),
      steps,
      values: history.map(({ requests, seconds }) => requests / seconds)
    }
  ];
  const failed = history.map(({ errors, seconds }) => errors / seconds);
  return failed.some(Boolean)
    ? [...told, { label: trans.__('failed'), steps, values: failed }]
    : told;
}

function latencies(history: readonly EndpointSample[]): ICurve[] {
  const steps = moments(history);
  return [
    { label: trans.__('half within'), steps, values: history.map(({ p50_ms: value }) => value) },
    { label: trans.__('95% within'), steps, values: history.map(({ p95_ms: value }) => value) }
  ];
}
