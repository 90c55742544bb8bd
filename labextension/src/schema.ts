/**
 * The words of the contract as TypeScript types.
 * GENERATED from aimass_jupyter/contract by `npm run schema`; do not edit.
 */

export type JsonValue = unknown;

/**
 * What each operation takes and answers.
 */
export interface Operations {
  'datasets.import': {
    request: DatasetImport;
    response: Dataset;
  };
  'datasets.list': {
    request: DatasetList;
    response: PageOfDataset;
  };
  'datasets.show': {
    request: DatasetRef;
    response: Dataset;
  };
  'datasets.delete': {
    request: DatasetRef;
    response: Done;
  };
  'algorithms.list': {
    request: AlgorithmList;
    response: PageOfRecommendation;
  };
  'jobs.submit': {
    request: JobCreate;
    response: Job;
  };
  'jobs.evaluate': {
    request: JobEvaluate;
    response: Job;
  };
  'jobs.execute': {
    request: JobExecute;
    response: Job;
  };
  'jobs.import': {
    request: JobImport;
    response: Job;
  };
  'jobs.export': {
    request: JobExport;
    response: Job;
  };
  'jobs.list': {
    request: JobList;
    response: PageOfJob;
  };
  'jobs.show': {
    request: JobRef;
    response: Job;
  };
  'jobs.why': {
    request: JobRef;
    response: Why;
  };
  'jobs.logs': {
    request: JobLogs;
    response: LogChunk;
  };
  'jobs.metrics': {
    request: JobMetrics;
    response: Curves;
  };
  'jobs.stop': {
    request: JobRef;
    response: Job;
  };
  'jobs.attach': {
    request: JobAttach;
    response: JobUpdate;
  };
  'jobs.rerun': {
    request: JobRerun;
    response: Job;
  };
  'jobs.inputs': {
    request: JobRef;
    response: JobInputs;
  };
  'jobs.artifacts': {
    request: JobRef;
    response: Artifacts;
  };
  'jobs.download': {
    request: JobDownload;
    response: ArtifactContent;
  };
  'experiments.list': {
    request: ExperimentList;
    response: PageOfExperiment;
  };
  'experiments.show': {
    request: ExperimentRef;
    response: Experiment;
  };
  'experiments.delete': {
    request: ExperimentRef;
    response: Done;
  };
  'runs.list': {
    request: RunList;
    response: PageOfRun;
  };
  'runs.show': {
    request: RunRef;
    response: Run;
  };
  'runs.tag': {
    request: RunTag;
    response: Run;
  };
  'runs.note': {
    request: RunNote;
    response: Run;
  };
  'runs.metrics': {
    request: RunMetrics;
    response: Curves;
  };
  'runs.compare': {
    request: RunCompare;
    response: Comparison;
  };
  'runs.delete': {
    request: RunRef;
    response: Done;
  };
  'runs.prune': {
    request: RunPrune;
    response: Pruned;
  };
  'runs.start': {
    request: RunStart;
    response: Run;
  };
  'runs.append': {
    request: RunAppend;
    response: RunReceived;
  };
  'runs.params': {
    request: RunParams;
    response: Run;
  };
  'runs.end': {
    request: RunEnd;
    response: Run;
  };
  'models.list': {
    request: ModelList;
    response: PageOfModel;
  };
  'models.show': {
    request: ModelRef;
    response: ModelDetail;
  };
  'models.download': {
    request: ModelRef;
    response: Bundle;
  };
  'models.promote': {
    request: ModelPromote;
    response: Model;
  };
  'models.delete': {
    request: ModelRef;
    response: Done;
  };
  'endpoints.deploy': {
    request: EndpointDeploy;
    response: Endpoint;
  };
  'endpoints.list': {
    request: EndpointList;
    response: PageOfEndpoint;
  };
  'endpoints.show': {
    request: EndpointRef;
    response: Endpoint;
  };
  'endpoints.usage': {
    request: EndpointRef;
    response: EndpointUsage;
  };
  'endpoints.rollback': {
    request: EndpointRef;
    response: Endpoint;
  };
  'endpoints.key': {
    request: EndpointRef;
    response: Endpoint;
  };
  'endpoints.delete': {
    request: EndpointRef;
    response: Done;
  };
  'endpoints.predict': {
    request: PredictRequest;
    response: Prediction;
  };
  'services.publish': {
    request: ServicePublish;
    response: Service;
  };
  'services.list': {
    request: ServiceList;
    response: PageOfService;
  };
  'services.show': {
    request: ServiceRef;
    response: Service;
  };
  'services.logs': {
    request: ServiceLogs;
    response: ServiceLog;
  };
  'services.stop': {
    request: ServiceRef;
    response: Service;
  };
  'clusters.create': {
    request: ClusterCreate;
    response: Cluster;
  };
  'clusters.list': {
    request: ClusterList;
    response: PageOfCluster;
  };
  'clusters.show': {
    request: ClusterRef;
    response: Cluster;
  };
  'clusters.start': {
    request: ClusterRef;
    response: Cluster;
  };
  'clusters.stop': {
    request: ClusterStop;
    response: Cluster;
  };
  'clusters.delete': {
    request: ClusterRef;
    response: Done;
  };
  'clusters.check': {
    request: ClusterRef;
    response: Faults;
  };
  'clusters.usage': {
    request: ClusterRef;
    response: ClusterUsage;
  };
  'nodes.add': {
    request: NodeAdd;
    response: Node;
  };
  'nodes.list': {
    request: NodeList;
    response: PageOfNode;
  };
  'nodes.show': {
    request: NodeRef;
    response: Node;
  };
  'nodes.usage': {
    request: NodeRef;
    response: NodeUsage;
  };
  'nodes.drain': {
    request: NodeDrain;
    response: Node;
  };
  'nodes.resume': {
    request: NodeRef;
    response: Node;
  };
  'nodes.remove': {
    request: NodeRef;
    response: Done;
  };
  'events.list': {
    request: EventList;
    response: PageOfEvent;
  };
  'events.stream': {
    request: EventStream;
    response: Event;
  };
  'uploads.create': {
    request: UploadCreate;
    response: Upload;
  };
  'system.status': {
    request: Nothing;
    response: Status;
  };
  'system.doctor': {
    request: Nothing;
    response: Diagnosis;
  };
  'system.whoami': {
    request: Nothing;
    response: Identity;
  };
  'system.operations': {
    request: Nothing;
    response: PageOfOperationCard;
  };
  'tokens.create': {
    request: TokenCreate;
    response: Token;
  };
  'tokens.list': {
    request: PageRequest;
    response: PageOfToken;
  };
  'tokens.revoke': {
    request: TokenRef;
    response: Done;
  };
}
export interface DatasetImport {
  /**
   * A file (CSV, TSV, JSON Lines, Parquet, Arrow, NumPy .npz, ZIP of text files) or a data set that ships with scikit-learn: breast_cancer, diabetes, digits, iris, wine.
   */
  source: string;
  /**
   * Its name; by default that of the source.
   */
  name?: string | null;
  /**
   * The column to learn.
   */
  label?: string | null;
  /**
   * What it is, in words.
   */
  description?: string;
  /**
   * Words to find it by.
   *
   * @maxItems 32
   */
  tags?: string[];
}
/**
 * A dataset with its newest version.
 */
export interface Dataset {
  id: string;
  name: string;
  owner: string;
  tenant: string;
  description: string;
  tags: string[];
  created_at: string;
  versions: number;
  latest: DatasetVersion;
}
/**
 * One immutable version.
 */
export interface DatasetVersion {
  rows: number;
  columns: Column[];
  /**
   * The column to learn, when one is known.
   */
  label: string | null;
  /**
   * classification or regression, from the label.
   */
  task: string | null;
  /**
   * The first rows.
   */
  preview: {
    [k: string]: unknown;
  }[];
  /**
   * Where the bytes came from, in words.
   */
  source: string;
  version: number;
  digest: string;
  size_bytes: number;
  /**
   * Id of the job that imported it.
   */
  job: string;
  created_at: string;
}
/**
 * One column of a dataset version.
 */
export interface Column {
  name: string;
  kind: 'number' | 'category' | 'text' | 'identifier' | 'boolean' | 'time' | 'image';
  /**
   * Arrow type, as text.
   */
  type: string;
  /**
   * Shape of one value: (channel, height, width) for an image; None for a scalar.
   */
  shape: number[] | null;
  /**
   * Values that are missing.
   */
  missing: number;
  /**
   * Distinct values, when there are at most 1,000.
   */
  distinct: number | null;
  minimum: number | null;
  maximum: number | null;
  /**
   * Words of a value, on average; None for others.
   */
  words: number | null;
}
export interface DatasetList {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
  /**
   * Part of a name, a tag or the description.
   */
  search?: string;
}
export interface PageOfDataset {
  items: Dataset[];
  next_token: string | null;
}
export interface DatasetRef {
  /**
   * Name, name@version or id.
   */
  dataset: string;
}
/**
 * The answer of a deletion: what is gone.
 */
export interface Done {
  id: string;
  freed_bytes: number;
}
export interface AlgorithmList {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
  /**
   * Only what suits this dataset, best first.
   */
  dataset?: string | null;
}
export interface PageOfRecommendation {
  items: Recommendation[];
  next_token: string | null;
}
/**
 * An algorithm with the reason why it suits, or does not suit, a dataset.
 */
export interface Recommendation {
  name: string;
  task: string;
  help: string;
  /**
   * The metric that ranks its models.
   */
  metric: string;
  maximize: boolean;
  /**
   * Kinds of columns that it takes.
   */
  inputs: string[];
  /**
   * JSON Schema of its hyperparameters.
   */
  hyperparameters: {
    [k: string]: unknown;
  };
  reason: string;
}
export interface JobCreate {
  /**
   * Own code: a script (a Python file, its own arguments after --).
   */
  source?: string | null;
  /**
   * The dataset to train on: name or name@version.
   */
  dataset?: string | null;
  /**
   * What to train.
   */
  algorithm?: string | null;
  /**
   * Name of the job and of its model; by default the dataset's.
   */
  name?: string | null;
  /**
   * Ranks (processes) to train on.
   */
  np?: number;
  /**
   * auto: single for one rank, else horovod, else torchrun.
   */
  engine?: 'auto' | 'single' | 'horovod' | 'torchrun';
  /**
   * The column to learn; by default the dataset's label.
   */
  label?: string | null;
  /**
   * Seed of every random choice.
   */
  seed?: number;
  /**
   * Whose turn it is: urgent jobs come first.
   */
  priority?: 'low' | 'normal' | 'high' | 'urgent';
  /**
   * Jobs that must succeed before: ids or names.
   *
   * @maxItems 64
   */
  after?: string[];
  /**
   * Time that it may run, such as 2h; then it is stopped with a checkpoint.
   */
  max_time?: number | null;
  /**
   * When it should be done: 8h from now, or a time.
   */
  deadline?: string | null;
  /**
   * How often it is queued again after a fault that is not its own.
   */
  retries?: number;
  /**
   * Slots that each rank takes, in halves: 0.5 for work that needs little.
   */
  slots?: number;
  /**
   * Memory that each rank needs, such as 4GB.
   */
  memory?: number | null;
  /**
   * Never stop it to make room for a more urgent one.
   */
  uninterrupted?: boolean;
  /**
   * GPUs that each rank takes.
   */
  gpus?: number;
  /**
   * Elastic: go on with so few ranks.
   */
  min_np?: number | null;
  /**
   * Elastic: take up to so many ranks when there is room.
   */
  max_np?: number | null;
  /**
   * How often its ranks are started again after a failure.
   */
  max_restarts?: number;
  /**
   * Steps between checkpoints, beside those of every epoch.
   */
  checkpoint_steps?: number | null;
  /**
   * Seconds between checkpoints.
   */
  checkpoint_seconds?: number | null;
  /**
   * Checkpoints that are kept.
   */
  checkpoints_kept?: number;
  /**
   * No step for so long counts as a hang, and ends the job.
   */
  stall_seconds?: number;
  /**
   * When the loss is NaN or infinite: stop, skip the step, or continue.
   */
  on_nan?: 'stop' | 'skip' | 'continue';
  /**
   * Do one step on a tiny batch, register nothing.
   */
  dry_run?: boolean;
  /**
   * Show weights and gradients as histograms, after every epoch.
   */
  histograms?: boolean;
  /**
   * The experiment that its run belongs to; by default the job's name.
   */
  experiment?: string | null;
  /**
   * Tags of its run.
   *
   * @maxItems 32
   */
  tags?: string[];
  /**
   * Notes on its run.
   */
  notes?: string;
  /**
   * The pool of nodes that it runs on.
   */
  cluster?: string;
  /**
   * So many nodes of each profile: cpu-large:2,any:1.
   *
   * @maxItems 64
   */
  nodes?: string[];
  /**
   * Labels that each of its nodes must have.
   *
   * @maxItems 32
   */
  node_labels?: string[];
  /**
   * Hyperparameters of the algorithm; also as options: --epochs 20.
   */
  params?: {
    [k: string]: JsonValue;
  };
  /**
   * A script's own arguments (after --).
   */
  arguments?: string[];
}
/**
 * A job.
 */
export interface Job {
  id: string;
  name: string;
  /**
   * What is done.
   */
  kind: 'training' | 'notebook' | 'evaluation' | 'import' | 'export';
  owner: string;
  tenant: string;
  state:
    'queued' | 'starting' | 'running' | 'stopping' | 'succeeded' | 'failed' | 'stopped' | 'lost';
  cause: Cause | null;
  engine: 'single' | 'horovod' | 'torchrun';
  np: number;
  /**
   * name@version; empty when own code reads none.
   */
  dataset: string;
  /**
   * What is trained; 'code' for own code, empty for other work.
   */
  algorithm: string;
  params: {
    [k: string]: unknown;
  };
  seed: number;
  options: JobOptions;
  /**
   * Own code that it runs.
   */
  source: Source | null;
  /**
   * What other work reads beside a dataset.
   */
  input: WorkInput | null;
  /**
   * Somebody waits for its answer: it takes no slot of others.
   */
  attended: boolean;
  /**
   * warm: its ranks were forked from a process that had imported all.
   */
  start: ('warm' | 'cold') | null;
  /**
   * How often its ranks were started again.
   */
  restarts: number;
  /**
   * The times that it ran before it was queued again.
   */
  attempts: Attempt[];
  /**
   * Queued again after a fault: it waits until then.
   */
  not_before: string | null;
  /**
   * The cluster that it runs on; empty: this machine.
   */
  cluster_id: string;
  /**
   * Where its ranks are.
   */
  places: Place[];
  /**
   * The GPUs that are its own while it runs, by node; '' is this machine.
   */
  devices: {
    [k: string]: number[];
  };
  /**
   * The most memory that one of its ranks took.
   */
  peak_memory_bytes: number | null;
  /**
   * What a person should know of it: NaN, damaged rows.
   */
  warnings: string[];
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  progress: Progress;
  /**
   * Metrics on the held-out rows, at the end.
   */
  metrics: {
    [k: string]: number | null;
  };
  /**
   * name@version of the model it gave.
   */
  model: string | null;
  /**
   * What other work gave: name@version of a dataset, or an artifact's name.
   */
  result: string | null;
  /**
   * Id of the job that it runs again.
   */
  rerun_of: string | null;
  /**
   * It began from that job's newest checkpoint.
   */
  resume: boolean;
}
/**
 * Why a job ended as it did.
 */
export interface Cause {
  code:
    | 'finished'
    | 'error'
    | 'signal'
    | 'out-of-memory'
    | 'disk-full'
    | 'stopped'
    | 'lost'
    | 'not-started'
    | 'registration'
    | 'stalled'
    | 'not-a-number'
    | 'bad-data'
    | 'dependency'
    | 'node-lost'
    | 'time-limit'
    | 'preempted'
    | 'abandoned';
  message: string;
  /**
   * The rank that failed first.
   */
  rank: number | null;
  /**
   * The end of that rank's log.
   */
  last_lines: string[];
}
/**
 * How a job runs, whatever it trains.
 */
export interface JobOptions {
  /**
   * Whose turn it is: urgent jobs come first.
   */
  priority: 'low' | 'normal' | 'high' | 'urgent';
  /**
   * Jobs that must succeed before: ids or names.
   *
   * @maxItems 64
   */
  after: string[];
  /**
   * Time that it may run, such as 2h; then it is stopped with a checkpoint.
   */
  max_time: number | null;
  /**
   * When it should be done: 8h from now, or a time.
   */
  deadline: string | null;
  /**
   * How often it is queued again after a fault that is not its own.
   */
  retries: number;
  /**
   * Slots that each rank takes, in halves: 0.5 for work that needs little.
   */
  slots: number;
  /**
   * Memory that each rank needs, such as 4GB.
   */
  memory: number | null;
  /**
   * Never stop it to make room for a more urgent one.
   */
  uninterrupted: boolean;
  /**
   * GPUs that each rank takes.
   */
  gpus: number;
  /**
   * Elastic: go on with so few ranks.
   */
  min_np: number | null;
  /**
   * Elastic: take up to so many ranks when there is room.
   */
  max_np: number | null;
  /**
   * How often its ranks are started again after a failure.
   */
  max_restarts: number;
  /**
   * Steps between checkpoints, beside those of every epoch.
   */
  checkpoint_steps: number | null;
  /**
   * Seconds between checkpoints.
   */
  checkpoint_seconds: number | null;
  /**
   * Checkpoints that are kept.
   */
  checkpoints_kept: number;
  /**
   * No step for so long counts as a hang, and ends the job.
   */
  stall_seconds: number;
  /**
   * When the loss is NaN or infinite: stop, skip the step, or continue.
   */
  on_nan: 'stop' | 'skip' | 'continue';
  /**
   * Do one step on a tiny batch, register nothing.
   */
  dry_run: boolean;
  /**
   * Show weights and gradients as histograms, after every epoch.
   */
  histograms: boolean;
  /**
   * The experiment that its run belongs to; by default the job's name.
   */
  experiment: string | null;
  /**
   * Tags of its run.
   *
   * @maxItems 32
   */
  tags: string[];
  /**
   * Notes on its run.
   */
  notes: string;
  /**
   * The pool of nodes that it runs on.
   */
  cluster: string;
  /**
   * So many nodes of each profile: cpu-large:2,any:1.
   *
   * @maxItems 64
   */
  nodes: string[];
  /**
   * Labels that each of its nodes must have.
   *
   * @maxItems 32
   */
  node_labels: string[];
}
/**
 * Own code, as it travels: a zip archive whose ``manifest.json`` says what is in it.
 */
export interface Source {
  /**
   * SHA-256 of the archive.
   */
  digest: string;
  /**
   * function: the archive's code defines train(run); script: it is run as it is.
   */
  kind: 'function' | 'script';
  /**
   * The file in the archive that is run.
   */
  entry: string;
  /**
   * What a script is given.
   */
  arguments: string[];
  /**
   * The names of all that travels.
   */
  files: string[];
  size_bytes: number;
}
/**
 * The bytes that work other than training reads beside a dataset.
 */
export interface WorkInput {
  digest: string;
  /**
   * What people call them: a file's name, or name@version.
   */
  name: string;
  /**
   * Id of the upload that they came as.
   */
  upload: string;
}
/**
 * One time that a job ran and went back into the queue.
 */
export interface Attempt {
  started_at: string;
  ended_at: string;
  np: number;
  cause: Cause;
  /**
   * How often its ranks were started again meanwhile.
   */
  restarts: number;
}
/**
 * Ranks of a job on one node.
 */
export interface Place {
  node: string;
  ranks: number;
}
/**
 * How far a running job is.
 */
export interface Progress {
  fraction: number;
  eta_seconds: number | null;
  /**
   * The newest value of each curve; None for NaN.
   */
  metrics: {
    [k: string]: number | null;
  };
}
export interface JobEvaluate {
  /**
   * The model: name, name@version, name@alias or id.
   */
  model: string;
  /**
   * The dataset to hold it against: name or name@version.
   */
  dataset: string;
  /**
   * Name of the job; by default evaluate- and the model's.
   */
  name?: string | null;
  /**
   * The column of the truths; by default the one it learnt.
   */
  label?: string | null;
  /**
   * Whose turn it is: urgent jobs come first.
   */
  priority?: 'low' | 'normal' | 'high' | 'urgent';
  /**
   * Jobs that must succeed before: ids or names.
   *
   * @maxItems 64
   */
  after?: string[];
  /**
   * Time that it may run, such as 2h; then it is stopped with a checkpoint.
   */
  max_time?: number | null;
  /**
   * When it should be done: 8h from now, or a time.
   */
  deadline?: string | null;
  /**
   * How often it is queued again after a fault that is not its own.
   */
  retries?: number;
  /**
   * Slots that it takes, in halves.
   */
  slots?: number;
  /**
   * Memory that each rank needs, such as 4GB.
   */
  memory?: number | null;
}
export interface JobExecute {
  /**
   * The notebook (.ipynb).
   */
  notebook: string;
  /**
   * Name of the job; by default the notebook's.
   */
  name?: string | null;
  /**
   * Values for what its cell tagged 'parameters' sets; also as options: --year 2024.
   */
  params?: {
    [k: string]: JsonValue;
  };
  /**
   * Whose turn it is: urgent jobs come first.
   */
  priority?: 'low' | 'normal' | 'high' | 'urgent';
  /**
   * Jobs that must succeed before: ids or names.
   *
   * @maxItems 64
   */
  after?: string[];
  /**
   * Time that it may run, such as 2h; then it is stopped with a checkpoint.
   */
  max_time?: number | null;
  /**
   * When it should be done: 8h from now, or a time.
   */
  deadline?: string | null;
  /**
   * How often it is queued again after a fault that is not its own.
   */
  retries?: number;
  /**
   * Slots that it takes, in halves.
   */
  slots?: number;
  /**
   * Memory that each rank needs, such as 4GB.
   */
  memory?: number | null;
}
export interface JobImport {
  /**
   * A file (CSV, TSV, JSON Lines, Parquet, Arrow, NumPy .npz, ZIP of text files) or a data set that ships with scikit-learn: breast_cancer, diabetes, digits, iris, wine.
   */
  source: string;
  /**
   * Its name; by default that of the source.
   */
  name?: string | null;
  /**
   * The column to learn.
   */
  label?: string | null;
  /**
   * What it is, in words.
   */
  description?: string;
  /**
   * Words to find it by.
   *
   * @maxItems 32
   */
  tags?: string[];
  /**
   * Whose turn it is: urgent jobs come first.
   */
  priority?: 'low' | 'normal' | 'high' | 'urgent';
  /**
   * Jobs that must succeed before: ids or names.
   *
   * @maxItems 64
   */
  after?: string[];
  /**
   * Time that it may run, such as 2h; then it is stopped with a checkpoint.
   */
  max_time?: number | null;
  /**
   * When it should be done: 8h from now, or a time.
   */
  deadline?: string | null;
  /**
   * How often it is queued again after a fault that is not its own.
   */
  retries?: number;
  /**
   * Slots that it takes, in halves.
   */
  slots?: number;
  /**
   * Memory that each rank needs, such as 4GB.
   */
  memory?: number | null;
}
export interface JobExport {
  /**
   * The dataset to export: name or name@version.
   */
  dataset?: string | null;
  /**
   * The model to export instead.
   */
  model?: string | null;
  /**
   * Of a dataset csv (the default), parquet, jsonl or arrow; of a model bundle (the default), onnx or safetensors.
   */
  format?: ('csv' | 'parquet' | 'jsonl' | 'arrow' | 'bundle' | 'onnx' | 'safetensors') | null;
  /**
   * Name of the job; by default export- and the thing's.
   */
  name?: string | null;
  /**
   * Whose turn it is: urgent jobs come first.
   */
  priority?: 'low' | 'normal' | 'high' | 'urgent';
  /**
   * Jobs that must succeed before: ids or names.
   *
   * @maxItems 64
   */
  after?: string[];
  /**
   * Time that it may run, such as 2h; then it is stopped with a checkpoint.
   */
  max_time?: number | null;
  /**
   * When it should be done: 8h from now, or a time.
   */
  deadline?: string | null;
  /**
   * How often it is queued again after a fault that is not its own.
   */
  retries?: number;
  /**
   * Slots that it takes, in halves.
   */
  slots?: number;
  /**
   * Memory that each rank needs, such as 4GB.
   */
  memory?: number | null;
}
export interface JobList {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
  /**
   * Only jobs that do this.
   */
  kind?: ('training' | 'notebook' | 'evaluation' | 'import' | 'export') | null;
  /**
   * Only jobs in this state; active: all that have not ended.
   */
  state?:
    | ('queued' | 'starting' | 'running' | 'stopping' | 'succeeded' | 'failed' | 'stopped' | 'lost')
    | 'active'
    | null;
}
export interface PageOfJob {
  items: Job[];
  next_token: string | null;
}
export interface JobRef {
  /**
   * Id, or name (then its newest job).
   */
  job: string;
}
/**
 * Why a job waits, and until when.
 */
export interface Why {
  job: string;
  name: string;
  state:
    'queued' | 'starting' | 'running' | 'stopping' | 'succeeded' | 'failed' | 'stopped' | 'lost';
  /**
   * Its place in the queue, from 1.
   */
  position: number | null;
  /**
   * How many jobs wait.
   */
  waiting: number;
  blockers: Blocker[];
  /**
   * When it should start, if jobs run as long as ones like them did, and come in as they did lately.
   */
  starts_in_seconds: number | null;
  /**
   * How long it should run.
   */
  expected_seconds: number | null;
  /**
   * Memory that each rank is given: as asked for, or as ones like it took.
   */
  memory_bytes: number | null;
  /**
   * What else concerns its turn: a deadline in danger, who makes room.
   */
  notes: string[];
}
/**
 * One thing that keeps a job from starting.
 */
export interface Blocker {
  kind: 'slots' | 'nodes' | 'quota' | 'dependency' | 'priority' | 'retry';
  message: string;
}
export interface JobLogs {
  /**
   * Id, or name (then its newest job).
   */
  job: string;
  /**
   * Only this rank; -1 is the launcher.
   */
  rank?: number | null;
  /**
   * From the answer before: only what came after.
   */
  cursor?: string;
  /**
   * Bytes to answer at most.
   */
  limit_bytes?: number;
  /**
   * From this byte of the rank's log on; -2000 is its last 2,000 bytes. Needs --rank.
   */
  from_byte?: number | null;
  /**
   * Only lines that hold this text, each led by the byte at which it begins.
   */
  grep?: string | null;
  /**
   * --grep is a regular expression (Python's).
   */
  regex?: boolean;
  /**
   * --grep does not tell a from A.
   */
  ignore_case?: boolean;
}
/**
 * A stretch of a job's log. Ranks are merged by line, each led by ``[rank]``.
 */
export interface LogChunk {
  text: string;
  /**
   * Ask with this cursor to get what comes after.
   */
  cursor: string;
  /**
   * Whether more has been written than this.
   */
  more: boolean;
  /**
   * Whether the job has ended and nothing comes after.
   */
  end: boolean;
}
export interface JobMetrics {
  /**
   * Id, or name (then its newest job).
   */
  job: string;
  /**
   * From the answer before: only newer points.
   */
  cursor?: string;
  /**
   * Points a curve at most; what is left out keeps every peak and gap.
   */
  max_points?: number | null;
}
/**
 * The curves of a job since a cursor.
 */
export interface Curves {
  series: Series[];
  gaps: Gap[];
  cursor: string;
}
/**
 * Points of one curve, column-wise; all lists have the same length.
 */
export interface Series {
  tag: string;
  steps: number[];
  /**
   * Seconds since the epoch.
   */
  times: number[];
  /**
   * None where the value is NaN or infinite.
   */
  values: (number | null)[];
  /**
   * What each None of the values is, in their order.
   */
  missing: ('nan' | 'inf' | '-inf')[];
}
/**
 * A damaged stretch of an event file; what came after it was read again.
 */
export interface Gap {
  offset: number;
  size_bytes: number;
}
export interface JobAttach {
  /**
   * Id, or name (then its newest job).
   */
  job: string;
  /**
   * From the answer before; empty: everything.
   */
  cursor?: string;
  /**
   * Wait so long for something new before answering.
   */
  wait_seconds?: number;
  /**
   * Points a curve at most; what is left out keeps every peak and gap.
   */
  max_points?: number | null;
}
/**
 * All that is new of a job since a cursor: its state, points of its curves, its log.
 */
export interface JobUpdate {
  job: Job;
  series: Series[];
  /**
   * All that are known, when there is a new one.
   */
  gaps: Gap[];
  log: string;
  cursor: string;
  /**
   * Whether nothing more will come.
   */
  end: boolean;
}
export interface JobRerun {
  /**
   * Id, or name (then its newest job).
   */
  job: string;
  /**
   * Ranks; by default as before.
   */
  np?: number | null;
  /**
   * By default as before.
   */
  engine?: ('auto' | 'single' | 'horovod' | 'torchrun') | null;
  /**
   * By default as before.
   */
  seed?: number | null;
  /**
   * By default as before.
   */
  name?: string | null;
  /**
   * Begin from its newest checkpoint.
   */
  resume?: boolean;
  /**
   * Hyperparameters that differ; also as options: --epochs 20.
   */
  params?: {
    [k: string]: JsonValue;
  };
}
/**
 * All that a job was made from.
 */
export interface JobInputs {
  job: string;
  algorithm: string;
  dataset: string;
  dataset_digest: string;
  label: string;
  params: {
    [k: string]: unknown;
  };
  seed: number;
  np: number;
  engine: 'single' | 'horovod' | 'torchrun';
  source: Source | null;
  /**
   * The text of the cell, function or script that it ran.
   */
  code: string;
  /**
   * What travelled with it.
   */
  items: CodeItem[];
  repository: Commit | null;
  /**
   * None while it has not begun.
   */
  environment: Packages | null;
}
/**
 * One thing that travelled with own code.
 */
export interface CodeItem {
  name: string;
  kind: string;
  size_bytes: number;
  origin: string;
}
/**
 * The git commit that own code lay under, and what was changed since.
 */
export interface Commit {
  commit: string;
  branch: string;
  /**
   * As git status tells it.
   */
  changed: string[];
  /**
   * Of the files that git tracks.
   */
  diff: string;
  note: string;
}
/**
 * The environment that a job ran in: its packages with their versions, under one digest.
 */
export interface Packages {
  digest: string;
  python: string;
  packages: {
    [k: string]: string;
  };
}
/**
 * The files that a job left.
 */
export interface Artifacts {
  items: Artifact[];
}
/**
 * A file that a job's own code left in its work folder.
 */
export interface Artifact {
  path: string;
  size_bytes: number;
  modified_at: string;
}
export interface JobDownload {
  /**
   * Id, or name (then its newest job).
   */
  job: string;
  /**
   * The file, as jobs artifacts lists it.
   */
  path: string;
}
/**
 * Stands for the bytes of a file that a job left.
 */
export interface ArtifactContent {}
export interface ExperimentList {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
  /**
   * Part of a name.
   */
  search?: string;
}
export interface PageOfExperiment {
  items: Experiment[];
  next_token: string | null;
}
/**
 * A named group of runs.
 */
export interface Experiment {
  id: string;
  name: string;
  owner: string;
  tenant: string;
  created_at: string;
  runs: number;
  /**
   * When its newest run was made.
   */
  newest_at: string | null;
}
export interface ExperimentRef {
  /**
   * Name or id.
   */
  experiment: string;
}
export interface RunList {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
  /**
   * Only runs of this experiment.
   */
  experiment?: string | null;
  /**
   * Only runs with this tag.
   */
  tag?: string | null;
  /**
   * Only runs in this state; active: all that have not ended.
   */
  state?:
    | ('queued' | 'starting' | 'running' | 'stopping' | 'succeeded' | 'failed' | 'stopped' | 'lost')
    | 'active'
    | null;
  /**
   * Part of a name or of the notes.
   */
  search?: string;
  /**
   * Order by the newest value of this metric; a run without one, or NaN, comes last.
   */
  order_by?: string | null;
  /**
   * The lowest first.
   */
  ascending?: boolean;
}
export interface PageOfRun {
  items: Run[];
  next_token: string | null;
}
/**
 * One tracked execution.
 */
export interface Run {
  id: string;
  name: string;
  experiment: string;
  /**
   * Id of the job whose run it is; empty when it has none.
   */
  job: string;
  owner: string;
  tenant: string;
  state:
    'queued' | 'starting' | 'running' | 'stopping' | 'succeeded' | 'failed' | 'stopped' | 'lost';
  /**
   * Why it ended as it did.
   */
  cause: Cause | null;
  params: {
    [k: string]: unknown;
  };
  /**
   * The newest value of each metric; None for NaN.
   */
  metrics: {
    [k: string]: number | null;
  };
  /**
   * The best value of each metric.
   */
  best: {
    [k: string]: number | null;
  };
  tags: string[];
  notes: string;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
}
export interface RunRef {
  /**
   * Id, name (then its newest run), or the id of its job.
   */
  run: string;
}
export interface RunTag {
  /**
   * Id, name (then its newest run), or the id of its job.
   */
  run: string;
  /**
   * Tags to add.
   *
   * @maxItems 32
   */
  add?: string[];
  /**
   * Tags to take away.
   *
   * @maxItems 32
   */
  remove?: string[];
}
export interface RunNote {
  /**
   * Id, name (then its newest run), or the id of its job.
   */
  run: string;
  /**
   * The notes, in place of what was there.
   */
  notes: string;
}
export interface RunMetrics {
  /**
   * Id, name (then its newest run), or the id of its job.
   */
  run: string;
  /**
   * From the answer before: only newer points.
   */
  cursor?: string;
  /**
   * Points a curve at most; what is left out keeps every peak and gap.
   */
  max_points?: number | null;
}
export interface RunCompare {
  /**
   * Two or more runs: ids or names.
   *
   * @minItems 1
   * @maxItems 20
   */
  runs:
    | [string]
    | [string, string]
    | [string, string, string]
    | [string, string, string, string]
    | [string, string, string, string, string]
    | [string, string, string, string, string, string]
    | [string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string, string, string, string]
    | [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string
      ]
    | [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string
      ]
    | [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string
      ]
    | [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string
      ]
    | [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string
      ]
    | [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string
      ]
    | [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string
      ]
    | [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string
      ]
    | [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string
      ];
  /**
   * Points a curve at most; 0 leaves the curves out.
   */
  max_points?: number;
}
/**
 * Runs side by side, in the order in which they were asked for.
 */
export interface Comparison {
  runs: ComparedRun[];
  /**
   * The parameters that differ: a value a run; None where it has none.
   */
  params: {
    [k: string]: unknown[];
  };
  /**
   * Newest value a run.
   */
  metrics: {
    [k: string]: (number | null)[];
  };
  /**
   * Best value a run.
   */
  best: {
    [k: string]: (number | null)[];
  };
}
/**
 * One run of a comparison.
 */
export interface ComparedRun {
  run: Run;
  curves: Curves;
}
export interface RunPrune {
  /**
   * Only runs of this experiment.
   */
  experiment?: string | null;
  /**
   * Take runs that ended longer ago than this.
   */
  older_than_days?: number | null;
  /**
   * Keep so many of the newest runs of each experiment.
   */
  keep_newest?: number | null;
  /**
   * Keep so many of the best runs of each experiment, by --metric.
   */
  keep_best?: number | null;
  /**
   * What makes a run the best.
   */
  metric?: string | null;
  /**
   * Tell what would go, take nothing.
   */
  dry_run?: boolean;
}
/**
 * What went, or would go.
 */
export interface Pruned {
  runs: Run[];
  freed_bytes: number;
  dry_run: boolean;
}
export interface RunStart {
  /**
   * What the run is called.
   */
  name: string;
  /**
   * The experiment that it belongs to; by default its name.
   */
  experiment?: string | null;
  /**
   * Its tags.
   *
   * @maxItems 32
   */
  tags?: string[];
  /**
   * Notes on it.
   */
  notes?: string;
  /**
   * What it is made with; also as options: --lr 0.1.
   */
  params?: {
    [k: string]: JsonValue;
  };
}
export interface RunAppend {
  /**
   * Id, name (then its newest run), or the id of its job.
   */
  run: string;
  /**
   * A TensorBoard event file of this machine; its bytes are sent.
   */
  filename?: string;
  /**
   * Where in the run's events the bytes belong; what is there is not taken twice.
   */
  offset?: number;
}
/**
 * How far the events of a run are kept by the control plane, safe on its disk.
 */
export interface RunReceived {
  run: string;
  /**
   * Bytes of its events, from the beginning.
   */
  received_bytes: number;
}
export interface RunParams {
  /**
   * Id, name (then its newest run), or the id of its job.
   */
  run: string;
  /**
   * Parameters to add, or to change; also as options: --lr 0.1.
   */
  params?: {
    [k: string]: JsonValue;
  };
}
export interface RunEnd {
  /**
   * Id, name (then its newest run), or the id of its job.
   */
  run: string;
  /**
   * How it ended.
   */
  state?: 'succeeded' | 'failed' | 'stopped';
  /**
   * Why, in a line.
   */
  message?: string;
}
export interface ModelList {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
  /**
   * Part of a name.
   */
  search?: string;
}
export interface PageOfModel {
  items: Model[];
  next_token: string | null;
}
/**
 * A registered model with its newest version and its aliases.
 */
export interface Model {
  id: string;
  name: string;
  owner: string;
  tenant: string;
  created_at: string;
  versions: number;
  /**
   * alias → version
   */
  aliases: {
    [k: string]: number;
  };
  latest: ModelVersion;
}
/**
 * One immutable version.
 */
export interface ModelVersion {
  version: number;
  digest: string;
  size_bytes: number;
  task: string;
  algorithm: string;
  metrics: {
    [k: string]: number | null;
  };
  signature: Signature;
  /**
   * name@version it was trained on.
   */
  dataset: string;
  /**
   * Id of the job that made it.
   */
  job: string;
  created_at: string;
}
/**
 * What goes in, what comes out, and an example of what goes in.
 */
export interface Signature {
  inputs: TensorSpec[];
  outputs: TensorSpec[];
  /**
   * One row: a value for each input.
   */
  example: {
    [k: string]: unknown;
  };
}
/**
 * One input or output of a model, in the words of the Open Inference Protocol v2.
 */
export interface TensorSpec {
  name: string;
  /**
   * BOOL, INT64, FP32, FP64 or BYTES (text).
   */
  datatype: string;
  /**
   * -1 is the number of rows.
   */
  shape: number[];
  /**
   * The classes or categories, when known.
   */
  values: string[] | null;
}
export interface ModelRef {
  /**
   * name, name@version, name@alias or id.
   */
  model: string;
}
/**
 * A model with the version that was asked for.
 */
export interface ModelDetail {
  id: string;
  name: string;
  owner: string;
  tenant: string;
  created_at: string;
  versions: number;
  /**
   * alias → version
   */
  aliases: {
    [k: string]: number;
  };
  latest: ModelVersion;
  selected: ModelVersion;
  /**
   * All versions, newest first.
   */
  history: ModelVersion[];
}
/**
 * Stands for the bytes of a model version's bundle file.
 */
export interface Bundle {}
export interface ModelPromote {
  /**
   * name, name@version, name@alias or id.
   */
  model: string;
  /**
   * The alias to give it; it begins with a letter, a number is a version.
   */
  alias?: string;
}
export interface EndpointDeploy {
  /**
   * The model version to serve: name, name@version or name@alias.
   */
  model: string;
  /**
   * Name of the endpoint; by default the model's.
   */
  name?: string | null;
}
/**
 * An endpoint and the model version behind it.
 */
export interface Endpoint {
  id: string;
  name: string;
  owner: string;
  tenant: string;
  /**
   * Base of the Open Inference Protocol v2 routes of this model.
   */
  url: string;
  /**
   * name@version
   */
  model: string;
  state: 'starting' | 'ready' | 'failed' | 'stopped';
  /**
   * Why it failed, when it did.
   */
  message: string;
  signature: Signature;
  created_at: string;
  deployed_at: string;
  /**
   * name@version served before; rollback serves it again.
   */
  previous: string;
  /**
   * A new API key; shown this once and never again.
   */
  key: string | null;
}
export interface EndpointList {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
}
export interface PageOfEndpoint {
  items: Endpoint[];
  next_token: string | null;
}
export interface EndpointRef {
  /**
   * Name or id.
   */
  endpoint: string;
}
/**
 * How an endpoint is used: the last minutes, as its gateway counted them.
 */
export interface EndpointUsage {
  endpoint: string;
  model: string;
  state: 'starting' | 'ready' | 'failed' | 'stopped';
  message: string;
  /**
   * When the gateway began to count.
   */
  since: string;
  /**
   * How much of the past the numbers are of.
   */
  window_seconds: number;
  requests: number;
  /**
   * Requests that it failed to answer.
   */
  errors: number;
  /**
   * Requests that were wrong, and told so.
   */
  refused: number;
  /**
   * Over the last minute.
   */
  requests_per_second: number;
  /**
   * Since the gateway began to count.
   */
  requests_ever: number;
  errors_ever: number;
  latency: Latency;
  /**
   * How the requests were split.
   */
  versions: VersionShare[];
  replicas: ReplicaState[];
  /**
   * Oldest first; times without one are idle.
   */
  history: EndpointSample[];
}
/**
 * How long answers took, in milliseconds; None where there was none.
 */
export interface Latency {
  mean_ms: number | null;
  p50_ms: number | null;
  p90_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
}
/**
 * What one model version had of the requests.
 */
export interface VersionShare {
  /**
   * name@version
   */
  model: string;
  requests: number;
  errors: number;
  /**
   * Of all requests, 0 to 1.
   */
  share: number;
}
/**
 * A process that answers for an endpoint.
 */
export interface ReplicaState {
  /**
   * name@version
   */
  model: string;
  state: 'starting' | 'ready' | 'failed' | 'stopped';
  /**
   * Requests that wait for it now.
   */
  waiting: number;
}
/**
 * What an endpoint was asked within a few seconds.
 */
export interface EndpointSample {
  mean_ms: number | null;
  p50_ms: number | null;
  p90_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  at: string;
  /**
   * How long the sample is.
   */
  seconds: number;
  requests: number;
  /**
   * Requests that it failed to answer.
   */
  errors: number;
  /**
   * Requests that were wrong, and told so.
   */
  refused: number;
}
export interface PredictRequest {
  /**
   * Name or id.
   */
  endpoint: string;
  /**
   * Rows to predict, a list with a value for every input in each: [{"age": 41}].
   *
   * @minItems 1
   * @maxItems 10000
   */
  rows: [
    {
      [k: string]: unknown;
    },
    ...{
      [k: string]: unknown;
    }[]
  ];
}
/**
 * What the model says, one entry a row.
 */
export interface Prediction {
  endpoint: string;
  model: string;
  /**
   * The class, or the number, of each row.
   */
  predictions: unknown[];
  /**
   * Every output of the model, by name.
   */
  outputs: {
    [k: string]: unknown[];
  };
}
export interface ServicePublish {
  /**
   * The notebook (.ipynb).
   */
  notebook: string;
  /**
   * Name of the service; by default that of the notebook.
   */
  name?: string | null;
}
/**
 * A published notebook.
 */
export interface Service {
  id: string;
  name: string;
  owner: string;
  tenant: string;
  /**
   * Name of the notebook's file.
   */
  notebook: string;
  version: number;
  state: 'starting' | 'ready' | 'failed' | 'stopped';
  /**
   * Why it failed, when it did.
   */
  message: string;
  /**
   * Where viewers open it; carries the token that lets them in.
   */
  url: string;
  created_at: string;
  published_at: string;
}
export interface ServiceList {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
}
export interface PageOfService {
  items: Service[];
  next_token: string | null;
}
export interface ServiceRef {
  /**
   * Name or id.
   */
  service: string;
}
export interface ServiceLogs {
  /**
   * Name or id.
   */
  service: string;
  /**
   * From the answer before: only what came after.
   */
  cursor?: string;
  /**
   * Bytes to answer at most.
   */
  limit_bytes?: number;
}
/**
 * A stretch of a service's log: what its page and its kernels wrote.
 */
export interface ServiceLog {
  text: string;
  /**
   * Ask with this cursor to get what comes after.
   */
  cursor: string;
  /**
   * Whether it has ended and nothing comes after.
   */
  end: boolean;
}
export interface ClusterCreate {
  /**
   * Its name.
   */
  cluster: string;
  /**
   * The back-end: ssh, or one that a package adds.
   */
  kind?: string;
  /**
   * Other tenants that may use it; * is all of them.
   *
   * @maxItems 64
   */
  tenants?: string[];
}
/**
 * A pool of nodes.
 */
export interface Cluster {
  id: string;
  name: string;
  /**
   * The back-end: local, ssh, or one that a package adds.
   */
  kind: string;
  owner: string;
  tenant: string;
  /**
   * Other tenants that may use it; * is all of them.
   */
  tenants: string[];
  /**
   * stopping: no job begins on it, some still run; stopped: none runs.
   */
  state: 'running' | 'stopping' | 'stopped';
  /**
   * Why it was stopped.
   */
  reason: string;
  /**
   * How many nodes it has.
   */
  nodes: number;
  /**
   * Ranks that may begin on the nodes that are ready.
   */
  slots: number;
  slots_used: number;
  /**
   * What the nodes of an ssh cluster must have in authorized_keys.
   */
  public_key: string;
  created_at: string;
}
export interface ClusterList {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
}
export interface PageOfCluster {
  items: Cluster[];
  next_token: string | null;
}
export interface ClusterRef {
  /**
   * Name or id.
   */
  cluster: string;
}
export interface ClusterStop {
  /**
   * Name or id.
   */
  cluster: string;
  /**
   * Send the jobs that run on it back into the queue, their state kept.
   */
  now?: boolean;
  /**
   * Why, for those who wait.
   */
  reason?: string;
}
/**
 * What the checks of a cluster found; nothing when all is well.
 */
export interface Faults {
  ok: boolean;
  nodes: number;
  items: Fault[];
}
/**
 * One thing that keeps a node from being used.
 */
export interface Fault {
  node: string;
  /**
   * reach, python, packages, clock, interface, port, connect, name or disk.
   */
  check: string;
  message: string;
}
/**
 * What is used of a cluster now.
 */
export interface ClusterUsage {
  cluster: string;
  slots: number;
  slots_used: number;
  nodes: NodeUsage[];
  /**
   * Who uses it now.
   */
  jobs: JobUse[];
}
/**
 * What is and was used of a node.
 */
export interface NodeUsage {
  node: string;
  cluster: string;
  state: 'ready' | 'draining' | 'drained' | 'down';
  cpus: number;
  /**
   * None when it does not answer.
   */
  now: NodeUse | null;
  /**
   * Who uses it now.
   */
  jobs: JobUse[];
  /**
   * Oldest first; older ones are means over longer times.
   */
  history: NodeUse[];
}
/**
 * What is used of a node at one moment.
 */
export interface NodeUse {
  at: string;
  /**
   * Of all its cores, 0 to 100.
   */
  cpu_percent: number;
  memory_bytes: number;
  memory_percent: number;
  /**
   * Used where jobs work.
   */
  disk_bytes: number;
  disk_percent: number;
  received_bytes_per_second: number;
  sent_bytes_per_second: number;
  /**
   * The mean of its GPUs; None without one.
   */
  gpu_percent: number | null;
  gpu_memory_bytes: number | null;
}
/**
 * What one job uses of a node.
 */
export interface JobUse {
  /**
   * Its id; empty for all jobs of other tenants together.
   */
  job: string;
  name: string;
  owner: string;
  node: string;
  processes: number;
  /**
   * Of one core: 200 is two cores.
   */
  cpu_percent: number;
  memory_bytes: number;
}
export interface NodeAdd {
  /**
   * The cluster.
   */
  cluster: string;
  /**
   * Name of the node.
   */
  node: string;
  /**
   * Name or address, as the other nodes reach it too.
   */
  address: string;
  /**
   * Where its ssh listens.
   */
  port?: number;
  /**
   * Who jobs run as there; by default who runs this server.
   */
  user?: string | null;
  /**
   * The interpreter there, an absolute path; by default the same as here.
   */
  python?: string | null;
  /**
   * Where jobs work there, an absolute path; by default below its user's home.
   */
  folder?: string | null;
  /**
   * Its public host key, as in known_hosts; by default what it shows now is kept.
   */
  host_key?: string | null;
  /**
   * Ranks that fit on it; by default its cores.
   */
  slots?: number | null;
  /**
   * Memory for jobs; by default all of it.
   */
  memory_bytes?: number | null;
  /**
   * GPUs; by default those that it says.
   */
  gpus?: number | null;
  /**
   * What jobs may ask for: ssd, gpu.
   *
   * @maxItems 32
   */
  labels?: string[];
  /**
   * What kind of machine it is: cpu-large.
   */
  profile?: string;
  /**
   * Set it aside for these tenants.
   *
   * @maxItems 64
   */
  tenants?: string[];
}
/**
 * A machine of a cluster.
 */
export interface Node {
  id: string;
  name: string;
  /**
   * Name of its cluster.
   */
  cluster: string;
  cluster_id: string;
  /**
   * Where its ranks are reached by those of other nodes.
   */
  address: string;
  port: number;
  user: string;
  /**
   * The interpreter of its job environment.
   */
  python: string;
  /**
   * The key by which it is known.
   */
  host_key: string;
  /**
   * Where jobs work on it; empty: below its user's home.
   */
  folder: string;
  slots: number;
  slots_used: number;
  /**
   * 0 when nobody has said or seen it.
   */
  memory_bytes: number;
  gpus: number;
  labels: string[];
  /**
   * What kind of machine it is: cpu-large, say.
   */
  profile: string;
  /**
   * It is set aside for these; empty: all of the cluster's.
   */
  tenants: string[];
  state: 'ready' | 'draining' | 'drained' | 'down';
  /**
   * Why it is down, or draining.
   */
  reason: string;
  created_at: string;
}
export interface NodeList {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
  /**
   * The cluster.
   */
  cluster: string;
}
export interface PageOfNode {
  items: Node[];
  next_token: string | null;
}
export interface NodeRef {
  /**
   * The cluster.
   */
  cluster: string;
  /**
   * Name or id of the node.
   */
  node: string;
}
export interface NodeDrain {
  /**
   * The cluster.
   */
  cluster: string;
  /**
   * Name or id of the node.
   */
  node: string;
  /**
   * Why, for those who look.
   */
  reason?: string;
}
export interface EventList {
  /**
   * Only events after this sequence number.
   */
  after?: number;
  /**
   * Events to answer at most.
   */
  limit?: number;
}
export interface PageOfEvent {
  items: Event[];
  next_token: string | null;
}
/**
 * One thing that happened to one subject.
 */
export interface Event {
  sequence: number;
  /**
   * noun.happening, such as jobs.succeeded
   */
  topic: string;
  /**
   * Id of what it happened to.
   */
  subject: string;
  /**
   * Name of what it happened to.
   */
  name: string;
  time: string;
  actor: string;
  data: {
    [k: string]: unknown;
  };
}
export interface EventStream {
  /**
   * Replay from this sequence number; without it, from now.
   */
  after?: number | null;
}
export interface UploadCreate {
  /**
   * The name of the file (not a path).
   */
  filename: string;
}
/**
 * Bytes that were sent and not yet used; they are forgotten after a day.
 */
export interface Upload {
  id: string;
  filename: string;
  digest: string;
  size_bytes: number;
  created_at: string;
}
/**
 * An operation that takes nothing.
 */
export interface Nothing {}
/**
 * What the control plane is and has.
 */
export interface Status {
  version: string;
  url: string;
  data_folder: string;
  started_at: string;
  /**
   * Ranks that fit on this machine at once.
   */
  slots: number;
  slots_used: number;
  /**
   * GPUs of this machine.
   */
  gpus: number;
  /**
   * How busy they are, all together; None where nothing tells.
   */
  gpu_percent: number | null;
  engines: string[];
  /**
   * Jobs by state.
   */
  jobs: {
    [k: string]: number;
  };
  datasets: number;
  models: number;
  endpoints: number;
  services: number;
  gateway_url: string | null;
  tensorboard_url: string;
}
/**
 * What doctor found.
 */
export interface Diagnosis {
  ok: boolean;
  checks: Check[];
}
/**
 * One thing that doctor looked at.
 */
export interface Check {
  name: string;
  ok: boolean;
  found: string;
  cure: string;
}
/**
 * Who asks, as the control plane sees it.
 */
export interface Identity {
  user: string;
  role: 'admin' | 'author' | 'viewer';
  tenant: string;
  permissions: string[];
  /**
   * Name of the token that was used, if one was.
   */
  token: string | null;
}
export interface PageOfOperationCard {
  items: OperationCard[];
  next_token: string | null;
}
/**
 * An operation as a face builds itself from it.
 */
export interface OperationCard {
  name: string;
  short: string;
  method: string;
  path: string;
  permission: string;
  help: string;
  examples: string[];
  body: string;
  reply: string;
  open_field: string;
  /**
   * JSON Schema
   */
  request: {
    [k: string]: unknown;
  };
  /**
   * JSON Schema
   */
  response: {
    [k: string]: unknown;
  };
}
export interface TokenCreate {
  /**
   * What it is for.
   */
  name: string;
  /**
   * What it may do; never more than its maker.
   */
  role?: 'admin' | 'author' | 'viewer';
  /**
   * Days until it expires.
   */
  days?: number;
}
/**
 * A token of a user, for programs.
 */
export interface Token {
  id: string;
  name: string;
  user: string;
  role: 'admin' | 'author' | 'viewer';
  created_at: string;
  expires_at: string;
  /**
   * The token itself; shown this once.
   */
  value: string | null;
}
/**
 * What every listing takes.
 */
export interface PageRequest {
  /**
   * Items on a page.
   */
  limit?: number;
  /**
   * Where the page before this one ended.
   */
  next_token?: string | null;
}
export interface PageOfToken {
  items: Token[];
  next_token: string | null;
}
export interface TokenRef {
  /**
   * Id of the token.
   */
  token: string;
}
