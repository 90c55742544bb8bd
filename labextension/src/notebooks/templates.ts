/**
 * The notebooks that a new model begins with, one a task. Written as lists of cells; what is in
 * them runs as it stands.
 */
import { trans } from '../i18n';

export type Task = 'classification' | 'regression' | 'own-code';

export interface ITemplate {
  readonly label: string;
  readonly caption: string;
  readonly filename: string;
  readonly cells: readonly ITemplateCell[];
}

export interface ITemplateCell {
  readonly cell_type: 'code' | 'markdown';
  readonly source: string;
}

const say = (source: string): ITemplateCell => ({ cell_type: 'markdown', source });
const run = (source: string): ITemplateCell => ({ cell_type: 'code', source });

export function templates(): Readonly<Record<Task, ITemplate>> {
  return {
    classification: {
      label: trans.__('Classifier'),
      caption: trans.__('A notebook that trains a model to tell classes apart'),
      filename: 'classifier.ipynb',
      cells: trained('A classifier', 'classification', 'breast_cancer', 'diagnosis')
    },
    regression: {
      label: trans.__('Regression'),
      caption: trans.__('A notebook that trains a model to predict a number'),
      filename: 'regression.ipynb',
      cells: trained('A regression', 'regression', 'diabetes', 'progression')
    },
    'own-code': {
      label: trans.__('Own training code'),
      caption: trans.__('A notebook that runs your own training function as a job'),
      filename: 'own-training.ipynb',
      cells: OWN_CODE
    }
  };
}

function trained(title: string, algorithm: string, dataset: string, name: string) {
  return [
    say(
      `# ${title}\n\nPut your own data into the first code cell: a file (\`"sales.csv"\`). ` +
        `Add \`--label COLUMN\` to its import, unless the column to learn is called label, target, class or y.`
    ),
    run(`source = "${dataset}"  # or a file: "sales.csv"\nname = "${name}"`),
    run('%load_ext aimass_jupyter'),
    say('## The data'),
    run('%aimass datasets import {source} --name {name}'),
    run('%aimass algorithms --dataset {name}'),
    say(
      '## The training\n\nEvery hyperparameter is an option (`--epochs 40`); ' +
        '`%aimass help train` lists the others. `--np 2` trains on two ranks.'
    ),
    run(
      `job = %aimass train --dataset {name} --algorithm ${algorithm} --epochs 20 --wait\njob.metrics`
    ),
    say('## The model'),
    run('%aimass promote {name} --alias production'),
    run('endpoint = %aimass deploy {name}@production'),
    run('rows = [endpoint.signature.example]\n%aimass predict {name} $rows')
  ];
}

const OWN_CODE: readonly ITemplateCell[] = [
  say(
    '# Own training code\n\nThe cell below defines `train(run)`. It runs as a job on the ranks ' +
      'that `--np` says; what it needs from this notebook travels with it. `run` knows the rank, ' +
      'the size, the dataset and the parameters, and takes curves and checkpoints.'
  ),
  run('%load_ext aimass_jupyter\n%aimass datasets import iris'),
  run(
    [
      '%%aimass train --dataset iris --name own-model --epochs 20 --wait',
      'import torch',
      '',
      '',
      'def train(run):',
      '    torch.manual_seed(run.seed)',
      '    model = torch.nn.Linear(2, 1)',
      '    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)',
      '    inputs = torch.randn(256, 2)',
      '    wanted = inputs @ torch.tensor([[2.0], [-1.0]])',
      '    for step in range(run.params.get("epochs", 20)):',
      '        optimizer.zero_grad()',
      '        loss = torch.nn.functional.mse_loss(model(inputs), wanted)',
      '        loss.backward()',
      '        optimizer.step()',
      '        run.log(step, loss=loss.item())'
    ].join('\n')
  ),
  say('What it was made from, and what it left:'),
  run('%aimass inputs own-model'),
  run('%aimass jobs artifacts own-model')
];
