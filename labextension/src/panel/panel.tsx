/**
 * The side panel: a header, a filter and one section a noun.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import type { IActions } from '../actions';
import { aimassIcon } from '../icons';
import type { IAimass } from '../tokens';
import { EndpointRow, endpointWords } from './endpoints';
import { Header } from './header';
import { useSignal } from './hooks';
import { JobRow, jobWords } from './jobs';
import { ModelRow, modelWords } from './models';
import { Section } from './section';
import { ServiceRow, serviceWords } from './services';

interface IPanelProps {
  aimass: IAimass;
  actions: IActions;
}

export class AimassPanel extends ReactWidget {
  constructor(private readonly _props: IPanelProps) {
    super();
    this.id = 'aimass-panel';
    this.addClass('aimass-Panel');
    this.node.dataset.testid = 'aimass-panel';
    this.title.icon = aimassIcon;
    this.title.caption = 'AI Mass: jobs, models, endpoints, services';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'AI Mass');
  }

  override render(): JSX.Element {
    return <PanelView {...this._props} />;
  }
}

export function PanelView({ aimass, actions }: IPanelProps): JSX.Element {
  const [filter, setFilter] = useState('');
  useSignal(aimass.changed);
  const stale = aimass.connection.state === 'live' ? '' : 'aimass-stale';
  return (
    <>
      <Header aimass={aimass} actions={actions} />
      <input
        type="search"
        className="aimass-Filter"
        placeholder="Filter by name, state, dataset…"
        aria-label="Filter"
        data-testid="aimass-filter"
        value={filter}
        onChange={event => setFilter(event.target.value)}
      />
      <div className={`aimass-Sections ${stale}`}>
        <Sections aimass={aimass} actions={actions} filter={filter} />
      </div>
    </>
  );
}

function Sections(props: IPanelProps & { filter: string }): JSX.Element {
  const { aimass, actions, filter } = props;
  const examples = (...names: string[]) =>
    names.flatMap(name => aimass.api.operations.get(name)?.examples.slice(0, 1) ?? []);
  const shared = { actions, filter };
  return (
    <>
      <Section
        {...shared}
        title="Jobs"
        noun="jobs"
        list={aimass.jobs}
        words={jobWords}
        row={job => <JobRow key={job.id} job={job} actions={actions} />}
        empty="No jobs yet. Import data and train a first model, in a notebook cell:"
        examples={examples('datasets.import', 'jobs.submit')}
      />
      <Section
        {...shared}
        title="Models"
        noun="models"
        list={aimass.models}
        words={modelWords}
        row={model => <ModelRow key={model.id} model={model} actions={actions} />}
        empty="No models yet. A job that succeeds registers one here."
        examples={[]}
      />
      <Section
        {...shared}
        title="Endpoints"
        noun="endpoints"
        list={aimass.endpoints}
        words={endpointWords}
        row={endpoint => <EndpointRow key={endpoint.id} endpoint={endpoint} actions={actions} />}
        empty="No endpoints yet. Serve a model at a URL of its own:"
        examples={examples('endpoints.deploy')}
      />
      <Section
        {...shared}
        title="Services"
        noun="services"
        list={aimass.services}
        words={serviceWords}
        row={service => <ServiceRow key={service.id} service={service} actions={actions} />}
        empty="No services yet. Publish a notebook with the button on its toolbar, or:"
        examples={examples('services.publish')}
      />
    </>
  );
}
