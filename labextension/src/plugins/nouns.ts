/**
 * One plugin a noun: its section of the panel and its page. Each can be switched off by itself; a
 * noun to come (schedules) adds one here, or in an extension of its own.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import {
  buildIcon,
  type LabIcon,
  notebookIcon,
  tableRowsIcon,
  offlineBoltIcon,
  spreadsheetIcon
} from '@jupyterlab/ui-components';

import { aimassIcon } from '../icons';
import { ClusterPage } from '../pages/cluster';
import { ComparisonPage } from '../pages/comparison';
import { DatasetPage } from '../pages/dataset';
import { EndpointPage } from '../pages/endpoint';
import { JobPage } from '../pages/job';
import { ModelPage } from '../pages/model';
import { ModelComparisonPage } from '../pages/models';
import { RunPage } from '../pages/run';
import { ServicePage } from '../pages/service';
import { ClustersSection } from '../panel/clusters';
import { EndpointsSection } from '../panel/endpoints';
import { JobsSection } from '../panel/jobs';
import { ModelsSection } from '../panel/models';
import { RunsSection } from '../panel/runs';
import { ServicesSection } from '../panel/services';
import { type IPage, IPages, IPanel, type ISection } from '../tokens';

/** The plugin that adds a section and the pages that belong to it. */
function nounPlugin(section: ISection, pages: IPage[]): JupyterFrontEndPlugin<void> {
  return {
    id: `aimass-jupyter:${section.noun}`,
    description: `The ${section.noun} of AI Mass, in its panel and as pages.`,
    autoStart: true,
    optional: [IPanel, IPages],
    activate: (_: JupyterFrontEnd, panel: IPanel | null, taker: IPages | null) => {
      panel?.add(section);
      pages.forEach(page => taker?.add(page));
    }
  };
}

function page(noun: string, icon: LabIcon, view: IPage['view']): IPage {
  return { noun, icon, view };
}

export const jobsPlugin = nounPlugin({ noun: 'jobs', rank: 100, view: JobsSection }, [
  page('jobs', aimassIcon, JobPage)
]);

export const runsPlugin = nounPlugin(
  { noun: 'runs', rank: 300, isFolded: true, view: RunsSection },
  [page('runs', aimassIcon, RunPage), page('comparison', tableRowsIcon, ComparisonPage)]
);

export const modelsPlugin = nounPlugin({ noun: 'models', rank: 400, view: ModelsSection }, [
  page('models', aimassIcon, ModelPage),
  page('model-comparison', tableRowsIcon, ModelComparisonPage)
]);

export const endpointsPlugin = nounPlugin(
  { noun: 'endpoints', rank: 500, view: EndpointsSection },
  [page('endpoints', offlineBoltIcon, EndpointPage)]
);

export const servicesPlugin = nounPlugin({ noun: 'services', rank: 600, view: ServicesSection }, [
  page('services', notebookIcon, ServicePage)
]);

export const clustersPlugin = nounPlugin(
  { noun: 'clusters', rank: 700, isFolded: true, view: ClustersSection },
  [page('clusters', buildIcon, ClusterPage)]
);

/** The page of a dataset; its section needs the commands that import files (datasets.tsx). */
export const datasetPage = page('datasets', spreadsheetIcon, DatasetPage);
