/**
 * Jobs, models, endpoints and services as a server answers them, without fields that no test asks
 * for; a test says what differs.
 */
import type {
  Cluster,
  Dataset,
  Endpoint,
  Job,
  JobOptions,
  Model,
  ModelVersion,
  Run,
  Service,
  Signature
} from '../../src/schema';

const MINE = { owner: 'ada', tenant: 'default', created_at: '2026-01-01T10:00:00.000Z' };

export function job(more: Partial<Job> = {}): Job {
  // Without the fields that the page shows nowhere.
  return {
    ...MINE,
    id: 'job_1',
    name: 'digits',
    state: 'running',
    cause: null,
    engine: 'horovod',
    np: 2,
    dataset: 'digits@1',
    kind: 'training',
    algorithm: 'classification',
    params: {},
    seed: 0,
    // What the server fills in; the page shows none of it.
    options: {} as JobOptions,
    source: null,
    start: null,
    restarts: 0,
    warnings: [],
    rerun_of: null,
    resume: false,
    started_at: null,
    ended_at: null,
    progress: { fraction: 0.4, eta_seconds: 75, metrics: { loss: 0.21345, accuracy: null } },
    metrics: {},
    model: null,
    ...more
  } as Job;
}

const SIGNATURE: Signature = {
  inputs: [
    { name: 'image', datatype: 'FP32', shape: [-1, 2, 2], values: null },
    { name: 'colour', datatype: 'BYTES', shape: [-1], values: ['red', 'green'] },
    { name: 'size', datatype: 'INT64', shape: [-1, 1], values: null }
  ],
  outputs: [{ name: 'label', datatype: 'BYTES', shape: [-1], values: null }],
  example: { image: [[0, 1], [2, 3]], colour: 'red', size: 3 } // prettier-ignore
};

export function version(more: Partial<ModelVersion> = {}): ModelVersion {
  return {
    version: 3,
    digest: 'sha256:0',
    size_bytes: 1_234_567,
    task: 'classification',
    algorithm: 'classification',
    metrics: { accuracy: 0.97531 },
    signature: SIGNATURE,
    dataset: 'digits@1',
    job: 'job_1',
    created_at: MINE.created_at,
    ...more
  };
}

export function model(more: Partial<Model> = {}): Model {
  const aliases = { production: 2 };
  return { ...MINE, id: 'mod_1', name: 'digits', versions: 3, aliases, latest: version(), ...more };
}

export function endpoint(more: Partial<Endpoint> = {}): Endpoint {
  return {
    ...MINE,
    id: 'end_1',
    name: 'digits',
    url: 'http://127.0.0.1:9/v2/models/digits',
    model: 'digits@3',
    state: 'ready',
    message: '',
    signature: SIGNATURE,
    deployed_at: MINE.created_at,
    key: null,
    previous: '',
    ...more
  };
}

export function service(more: Partial<Service> = {}): Service {
  return {
    ...MINE,
    id: 'srv_1',
    name: 'sales',
    notebook: 'sales.ipynb',
    version: 2,
    state: 'ready',
    message: '',
    url: 'http://127.0.0.1:9/?token=t',
    published_at: MINE.created_at,
    ...more
  };
}

export function run(more: Partial<Run> = {}): Run {
  return {
    ...MINE,
    id: 'run_1',
    name: 'digits',
    experiment: 'digits',
    job: 'job_1',
    state: 'succeeded',
    cause: null,
    params: {},
    metrics: { 'loss/validation': 0.2 },
    best: { 'loss/validation': 0.1 },
    tags: ['good'],
    notes: '',
    started_at: null,
    ended_at: null,
    ...more
  };
}

export function dataset(more: Partial<Dataset> = {}): Dataset {
  return {
    ...MINE,
    id: 'dat_1',
    name: 'sales',
    description: '',
    tags: [],
    versions: 1,
    latest: {
      version: 1,
      digest: 'sha256:0',
      size_bytes: 1000,
      rows: 1234,
      columns: [
        {
          name: 'price',
          kind: 'number',
          type: 'double',
          shape: null,
          missing: 0,
          distinct: null,
          minimum: 0,
          maximum: 9
        }
      ],
      label: 'price',
      task: 'regression',
      preview: [{ price: 3 }],
      source: 'sales.csv',
      created_at: MINE.created_at
    },
    ...more
  } as Dataset;
}

export function cluster(more: Partial<Cluster> = {}): Cluster {
  return {
    ...MINE,
    id: 'clu_1',
    name: 'hall',
    kind: 'ssh',
    tenants: [],
    state: 'running',
    reason: '',
    nodes: 2,
    slots: 8,
    slots_used: 2,
    public_key: '',
    ...more
  };
}
