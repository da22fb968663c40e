// How often the events in the live list came.

import {Repeated, askSoon} from './client.js';
import {byId} from './dom.js';
import {countOf, formatCount} from './format.js';
import {Freshness} from './freshness.js';

const INTERVAL_MS = 1000;

/** The plugin's counts of these events by their seqs; without those that are not among its latest. */
async function ask(seqs) {
  const {events} = await (await askSoon(`duplicates?seqs=${seqs.join(',')}`)).json();
  return new Map(events.map((event) => [String(event.seq), event]));
}

function markOf({duplicates, is_exact: isExact}) {
  if (duplicates === 0) return '';
  return `${isExact ? '' : '≥ '}×${formatCount(duplicates + 1)}`;
}

/** How often an event came, in a sentence; empty where that is not counted. */
export async function timesText(seq) {
  const count = (await ask([seq])).get(String(seq));
  if (!count) return '';
  const {duplicates, is_exact: isExact} = count;
  if (duplicates === 0) return isExact ? 'once' : 'at least once; no duplicate since the broker’s start';
  return `${isExact ? '' : 'at least '}${countOf(duplicates + 1, 'time')}; ${countOf(duplicates, 'duplicate')} not handed on`;
}

async function mark() {
  const buttons = [...byId('rows').querySelectorAll('[data-seq]')];
  if (buttons.length === 0) return;
  const counts = await ask(buttons.map((button) => button.dataset.seq));
  for (const button of buttons) {
    const count = counts.get(button.dataset.seq);
    button.querySelector('.times').textContent = count ? markOf(count) : '';
  }
}

let isMarking = false;
let areNewRows = false; // that came while the others were being marked

/** To be called when there are new rows: of many events in a second, each is to be seen for less than that. */
export async function markNewRows() {
  areNewRows = true;
  if (isMarking) return;
  isMarking = true;
  while (areNewRows) {
    areNewRows = false;
    await mark().catch(() => {}); // what is wrong, is wrong also when all are asked for again
  }
  isMarking = false;
}

export const duplicates = new Repeated(INTERVAL_MS, mark, new Freshness('duplicates', INTERVAL_MS));
