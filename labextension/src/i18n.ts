/**
 * What a person reads, in the language that Lab is set to. Lab has one language for a page, which
 * is told here once, before the first word is shown; texts from the server stay as they are.
 */
import { type ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';

const DOMAIN = 'aimass_jupyter';

let bundle: TranslationBundle = nullTranslator.load(DOMAIN);

/** Speak the language of this translator from now on. */
export function speak(translator: ITranslator | null): void {
  bundle = (translator ?? nullTranslator).load(DOMAIN);
}

type Value = string | number;

/** The functions of gettext, under the name by which texts are collected for translation. */
export const trans = {
  __: (text: string, ...values: Value[]): string => bundle.__(text, ...values),
  _n: (one: string, many: string, count: number, ...values: Value[]): string =>
    bundle._n(one, many, count, ...values),
  _p: (context: string, text: string, ...values: Value[]): string =>
    bundle._p(context, text, ...values)
};
