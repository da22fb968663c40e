// What stands in the place of a list without rows: "none" is not said for "not allowed", nor for "not known".

import {Refusal, wordsOf} from './client.js';
import {byId, setText} from './dom.js';

/** Says why the list has no rows; hidden while it has some. */
export function showEmpty(id, text) {
  byId(id).hidden = text === '';
  setText(id, text);
}

/** Why nothing is known of a list, for `showEmpty`. */
export function whyUnknown(error) {
  if (!(error instanceof Refusal)) return `Not known: ${wordsOf(error)}.`;
  if (error.status === 401) return 'Not shown: this takes a token.';
  if (error.status === 403) return `Not shown, whether there are any or none: ${error.message}.`;
  return `Not known: ${error.message}.`;
}
