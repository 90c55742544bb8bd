/**
 * The ids of the commands. One per operation of the table is made at run time.
 */
export const CommandIDs = {
  /** Open the side panel. */
  showPanel: 'aimass:show-panel',
  /** Open one thing as a page (`{noun, id, label}`) in the main area. */
  openPage: 'aimass:open',
  /** Open what an address of this page names (`?aimass=jobs/job_…`). */
  followAddress: 'aimass:follow-address',
  /** Open TensorBoard in a tab; of one run with `{run}`, which is its name there. */
  openTensorBoard: 'aimass:open-tensorboard',
  /** Open the log of a job (`{job, name, np}`) or a service (`{service, name}`) in a tab. */
  openLog: 'aimass:open-log',
  /** Predict one row through an endpoint (`{endpoint}`), asked for in a form. */
  tryEndpoint: 'aimass:try-endpoint',
  /** Publish the notebook that has the focus, or the one at `{path}`. */
  publishNotebook: 'aimass:publish-notebook',
  /** Run the notebook that has the focus as a job, or the one at `{path}`. */
  runNotebook: 'aimass:run-notebook',
  /** Import a file of the file browser (`{path}`), or files that are dropped. */
  importFile: 'aimass:import-file',
  /** Make a notebook from a template (`{task}`). */
  newNotebook: 'aimass:new-notebook',
  /** Train on a dataset (`{dataset}`) with the algorithm that suits it best. */
  trainOn: 'aimass:train-on',

  operation: (name: string): string => `aimass:${name}`
} as const;
