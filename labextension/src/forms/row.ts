/**
 * The form of one row for a model: an input for each of its inputs.
 */
import type { RJSFSchema, StrictRJSFSchema } from '@rjsf/utils';

import { trans } from '../i18n';
import type { Signature, TensorSpec } from '../schema';
import type { IForm } from './adapt';

const TYPES: Readonly<Record<string, StrictRJSFSchema['type']>> = {
  BOOL: 'boolean',
  INT64: 'integer',
  FP32: 'number',
  FP64: 'number',
  BYTES: 'string'
};

export function rowForm({ inputs }: Signature): IForm {
  const form: IForm = {
    schema: { type: 'object', properties: {}, required: inputs.map(({ name }) => name) },
    ui: {}
  };
  for (const input of inputs) {
    form.schema.properties![input.name] = propertyOf(input);
    form.ui[input.name] = isScalar(input) ? {} : { 'ui:field': 'json' };
  }
  return form;
}

function propertyOf(input: TensorSpec): RJSFSchema {
  if (!isScalar(input)) {
    return {
      title: input.name,
      description: trans.__('Shape %1', input.shape.slice(1).join(' × '))
    };
  }
  const choices = input.values?.length ? { enum: input.values } : {};
  return { title: input.name, type: TYPES[input.datatype], ...choices };
}

/** One value a row; the first dimension is the rows. */
function isScalar({ shape, datatype }: TensorSpec): boolean {
  return datatype in TYPES && shape.slice(1).every(size => size === 1);
}
