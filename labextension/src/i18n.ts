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

/** The functions of gettext, under the name by which texts are collected for translation. */
export const trans: Pick<TranslationBundle, '__' | '_n' | '_p'> = {
  __: (text, ...values) => bundle.__(text, ...values),
  _n: (one, many, count, ...values) => bundle._n(one, many, count, ...values),
  _p: (context, text, ...values) => bundle._p(context, text, ...values)
};
