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
import type { IFormContext } from './forms/fields';
import type { IQuestion } from './forms/form';
import { noticeFault, withNotice } from './notices';
import type { OperationCard } from './schema';

type Mark = Readonly<Record<string, unknown>>;

/** What an operation is called in menus: "train — Train a model as a job". */
export function labelOf(card: OperationCard): string {
  const clause = card.help.split(/[,:;.(]/)[0].trim();
  return `${titleOf(card)} — ${clause}`;
}

/** What came of a change, in a few words: "digits is queued". */
function outcomeOf(answer: unknown): string {
  const { name, state } = answer as { name?: string; state?: string };
  return [name ?? 'done', state && `is ${state}`].filter(Boolean).join(' ');
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
    const verb = card.name.split('.')[1];
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
    const open = card.open_field;
    const field = completing(card, 'algorithms');
    if (!open || !field) {
      return undefined;
    }
    const known = new Map<unknown, IForm>();
    return async values => {
      const chosen = values[field];
      const form = known.get(chosen) ?? (await this._withHyperparameters(card, open, chosen));
      known.set(chosen, form);
      return form;
    };
  }

  private async _withHyperparameters(card: OperationCard, open: string, algorithm: unknown) {
    const form = formOf(card);
    const { items } = await this._api.call('algorithms.list', { limit: 200 });
    const found = items.find(item => item.name === algorithm);
    if (found) {
      const inner = formOfSchema(found.hyperparameters);
      const title = `Hyperparameters of ${found.name}`;
      form.schema.properties![open] = { ...inner.schema, title };
      form.ui[open] = inner.ui;
    }
    return form;
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
      actions: [{ label: 'Show', callback: () => void showAnswer(card, result) }]
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
