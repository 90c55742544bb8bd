/**
 * Runs an operation of the table for a person: asks for what is missing, sends files first, says
 * how it goes and shows the answer. It knows no operation by name.
 */
import type { Api, Values } from './api';
import { saveFile, secretsOf, showAnswer, titleOf } from './answer';
import {
  CONTENT_FIELD,
  formOf,
  formOfSchema,
  hasFields,
  type IForm,
  requiredOf
} from './forms/adapt';
import { formatState } from './format';
import type { IFormContext } from './forms/fields';
import type { IQuestion } from './forms/form';
import { trans } from './i18n';
import { noticeFault, withNotice } from './notices';
import type { OperationCard } from './schema';

type Mark = Readonly<Record<string, unknown>>;

/** What an operation is called in menus: "train — Train a model as a job". */
export function labelOf(card: OperationCard): string {
  const clause = card.help.split(/[,:;.(]/)[0].trim();
  return `${titleOf(card)} — ${clause}`;
}

/** What it is called in the menu of AI Mass, which needs no second verb: "Train a model…". */
export function menuLabelOf(card: OperationCard): string {
  const short = card.help.split(/[,:;.(]| as | or | and /)[0].trim();
  return hasFields(card) ? `${short}…` : short;
}

/** What came of a change, in a few words: "digits is queued". */
function outcomeOf(answer: unknown): string {
  const { name, state } = answer as { name?: string; state?: string };
  const what = name ?? trans.__('done');
  return state ? trans.__('%1 is %2', what, formatState(state)) : what;
}

/** Whether a person can ask for it from a menu; a stream has no end and so no answer. */
export function isAskable(card: OperationCard): boolean {
  return card.reply !== 'events';
}

export class OperationRunner {
  constructor(private readonly _api: Api) {}

  /** Run it, with a form when one is wanted or a field is missing. */
  async run(card: OperationCard, values: Values | undefined, form: boolean): Promise<unknown> {
    const missing = requiredOf(card).some(name => values?.[name] == null);
    if (form || missing || (values === undefined && hasFields(card))) {
      return this._ask(card, values ?? {});
    }
    try {
      return await this._perform(card, values ?? {}, new Map());
    } catch (reason) {
      noticeFault(titleOf(card), reason);
      return undefined;
    }
  }

  private async _ask(card: OperationCard, values: Values): Promise<unknown> {
    // The form is a third of the bundle: it is fetched when the first one is shown.
    const { askAndUse } = await import('./forms/form');
    const files = new Map<string, File>();
    const names = (kind: string) => this._names(kind);
    return askAndUse(this._question(card, { files, names }), values, given =>
      this._perform(card, given, files)
    );
  }

  private _question(card: OperationCard, context: IFormContext): IQuestion {
    const verb = (card.method === 'GET' ? '' : card.short) || card.name.split('.')[1];
    return {
      title: titleOf(card),
      help: card.help,
      verb: verb.charAt(0).toUpperCase() + verb.slice(1),
      dangerous: card.method === 'DELETE',
      form: formOf(card),
      refine: this._refinement(card),
      context
    };
  }

  /** Fields that depend on the algorithm: its hyperparameters, where the request leaves room. */
  private _refinement(card: OperationCard): IQuestion['refine'] {
    const field = completing(card, 'algorithms');
    if (!card.open_field || !field) {
      return undefined;
    }
    const known = new Map<string, IForm>();
    const about = completing(card, 'datasets');
    return async values => {
      const dataset = about ? values[about] : undefined;
      const key = JSON.stringify([values[field], dataset]);
      const form = known.get(key) ?? (await this._withAlgorithm(card, values[field], dataset));
      known.set(key, form);
      return form;
    };
  }

  /** The form with the chosen algorithm's hyperparameters, and why it suits the dataset. */
  private async _withAlgorithm(card: OperationCard, algorithm: unknown, dataset: unknown) {
    const form = formOf(card);
    const found = (await this._algorithms(dataset)).find(item => item.name === algorithm);
    if (found) {
      const inner = formOfSchema(found.hyperparameters);
      const title = trans.__('Hyperparameters of %1', found.name);
      form.schema.properties![card.open_field] = { ...inner.schema, title };
      form.ui[card.open_field] = inner.ui;
      const field = completing(card, 'algorithms')!;
      const help = found.reason || found.help;
      Object.assign(form.schema.properties![field], { description: help });
    }
    return form;
  }

  /** All algorithms, with what speaks for each on a dataset, where there is one by that name. */
  private async _algorithms(dataset: unknown) {
    const all = () => this._api.call('algorithms.list', { limit: 200 });
    const suited = (name: string) =>
      this._api.call('algorithms.list', { limit: 200, dataset: name }).catch(all);
    const { items } = await (typeof dataset === 'string' && dataset ? suited(dataset) : all());
    return items;
  }

  private async _names(kind: string): Promise<string[]> {
    const card = this._api.operations.get(`${kind}.list`);
    if (!card) {
      return [];
    }
    const page = (await this._api.perform(card, { limit: 200 })) as { items: { name: string }[] };
    return [...new Set(page.items.map(item => item.name))];
  }

  private async _perform(card: OperationCard, values: Values, files: Map<string, File>) {
    const work = this._send(card, values, files);
    if (card.method === 'GET') {
      await this._show(card, await work);
      return work;
    }
    const answer = await withNotice(`${titleOf(card)}…`, work, result => ({
      message: `${titleOf(card)}: ${outcomeOf(result)}`,
      actions: [{ label: trans.__('Show'), callback: () => void showAnswer(card, result) }]
    }));
    if (secretsOf(card, answer).length > 0) {
      await showAnswer(card, answer);
    }
    return answer;
  }

  private async _send(card: OperationCard, values: Values, files: Map<string, File>) {
    if (card.body === 'bytes') {
      const file = files.get(CONTENT_FIELD);
      return this._api.perform(card, { filename: file?.name ?? values[CONTENT_FIELD] }, file);
    }
    const sent = { ...values };
    for (const [field, file] of files) {
      sent[field] = (await this._api.upload(file.name, file)).id;
    }
    return this._api.perform(card, sent);
  }

  private async _show(card: OperationCard, answer: unknown): Promise<void> {
    if (answer instanceof File) {
      saveFile(answer);
    } else {
      await showAnswer(card, answer);
    }
  }
}

/** The field of a request that these names complete. */
function completing(card: OperationCard, kind: string): string | undefined {
  const properties = (card.request.properties ?? {}) as Record<string, Mark>;
  return Object.keys(properties).find(name => properties[name]['x-completes'] === kind);
}
