/**
 * The ids of the commands. One per operation of the table is made at run time.
 */
export const CommandIDs = {
  /** Open the side panel. */
  showPanel: 'aimass:show-panel',
  /** Open TensorBoard in a tab. */
  openTensorBoard: 'aimass:open-tensorboard',
  /** Open the log of a job (`{job, name, np}`) in a tab. */
  openLog: 'aimass:open-log',
  /** Predict one row through an endpoint (`{endpoint}`), asked for in a form. */
  tryEndpoint: 'aimass:try-endpoint',
  /** Publish the notebook that has the focus. */
  publishNotebook: 'aimass:publish-notebook',

  operation: (name: string): string => `aimass:${name}`
} as const;
