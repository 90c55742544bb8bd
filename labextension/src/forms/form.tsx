/**
 * A form in a dialog. It asks until the answer can be used or the person gives up, and never
 * throws away what was typed.
 */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { FormComponent, ReactWidget } from '@jupyterlab/ui-components';
import validator from '@rjsf/validator-ajv8';
import React, { useEffect, useRef } from 'react';

import { FIELDS_SELECTOR, letTabIn } from './body';
import type { Values } from '../api';
import { type AimassError, asAimassError } from '../errors';
import { foldForm, type IForm, pick, prune } from './adapt';
import { FIELDS, type IFormContext, WIDGETS } from './fields';

type FormProps = Parameters<typeof FormComponent>[0];

/** The validator is declared for values of any type, the form for JSON: the same at run time. */
const VALIDATOR = validator as FormProps['validator'];

export interface IQuestion {
  readonly title: string;
  readonly help: string;
  /** The word on the button. */
  readonly verb: string;
  readonly dangerous: boolean;
  readonly form: IForm;
  /** The form that suits the values typed so far. */
  readonly refine?: (values: Values) => Promise<IForm>;
  readonly context: IFormContext;
}

/**
 * Ask, and do with the answer what is asked for; when that fails, show why and ask again.
 *
 * @returns what `consume` returned; undefined when the person cancelled.
 */
export async function askAndUse<T>(
  question: IQuestion,
  initial: Values,
  consume: (values: Values) => Promise<T>
): Promise<T | undefined> {
  let values = initial;
  let error: AimassError | null = null;
  for (;;) {
    const body: FormBody = new FormBody(question, values, error);
    const confirm = question.dangerous ? Dialog.warnButton : Dialog.okButton;
    const { button, value } = await showDialog<Values>({
      title: question.title,
      body,
      buttons: [Dialog.cancelButton(), confirm({ label: question.verb })],
      focusNodeSelector: FIELDS_SELECTOR
    });
    if (!button.accept) {
      return undefined;
    }
    values = value ?? {};
    try {
      return await consume(values);
    } catch (reason) {
      error = asAimassError(reason);
    }
  }
}

export class FormBody extends ReactWidget implements Dialog.IBodyWidget<Values> {
  constructor(
    private readonly _question: IQuestion,
    private _values: Values,
    private readonly _fault: AimassError | null
  ) {
    super();
    this._form = _question.form;
    letTabIn(this, 'aimass-form');
    void this._refine();
  }

  getValue(): Values {
    return prune(this._form, this._values);
  }

  override render(): JSX.Element {
    const { help } = this._question;
    const { first, folds } = foldForm(this._form);
    return (
      <>
        <p className="aimass-Form-help">{help}</p>
        {this._fault && <Fault error={this._fault} />}
        <Named>
          {this._part(first)}
          {folds.map(({ name, form }) => (
            <details key={name} className="aimass-Form-more" data-testid="aimass-form-more">
              <summary>{name}</summary>
              {this._part(form)}
            </details>
          ))}
        </Named>
      </>
    );
  }

  private _part({ schema, ui }: IForm): JSX.Element {
    const names = Object.keys(schema.properties ?? {});
    return (
      <FormComponent
        schema={schema}
        uiSchema={ui}
        formData={pick(this._values, names) as FormProps['formData']}
        formContext={this._question.context}
        fields={FIELDS}
        widgets={WIDGETS}
        validator={VALIDATOR}
        liveValidate={!!this._fault}
        showErrorList={false}
        tagName="div"
        onChange={event => this._take(names, event.formData ?? {})}
      />
    );
  }

  /** Take what a part of the form says of its own fields. */
  private _take(names: string[], values: Values): void {
    const others = Object.entries(this._values).filter(([name]) => !names.includes(name));
    this._values = { ...Object.fromEntries(others), ...pick(values, names) };
    void this._refine();
    this.update();
  }

  /** Let the form follow what is typed: another algorithm takes other hyperparameters. */
  private async _refine(): Promise<void> {
    // A form that cannot be refined stays as it is; the server checks what is sent.
    const form = await this._question.refine?.(this._values).catch(() => null);
    if (form && form !== this._form && !this.isDisposed) {
      this._form = form;
      this.update();
    }
  }

  private _form: IForm;
}

/** Lab draws labels as headings, which screen readers do not tie to the inputs: so name these. */
function Named({ children }: { children: React.ReactNode }): JSX.Element {
  const form = useRef<HTMLDivElement>(null);
  useEffect(() => form.current?.querySelectorAll('.jp-FormGroup-contentNormal').forEach(nameInput));
  return <div ref={form}>{children}</div>;
}

function nameInput(group: Element): void {
  const heading = group.querySelector('.jp-FormGroup-fieldLabel');
  const input = group.querySelector('input, select, textarea');
  if (heading && input && !input.hasAttribute('aria-label')) {
    input.setAttribute('aria-label', heading.textContent ?? '');
  }
}

/** Why the last try failed: the fault, the cure, and one line a field or cell. */
function Fault({ error }: { error: AimassError }): JSX.Element {
  return (
    <div className="aimass-Error" role="alert" data-testid="aimass-form-error">
      <p>{error.message}</p>
      {error.hint && <p>{error.hint}</p>}
    </div>
  );
}
