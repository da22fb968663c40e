// Which version answers, and since when it does.

import {Repeated, askSoon} from './client.js';
import {setText} from './dom.js';
import {formatClock} from './format.js';

const INTERVAL_MS = 60_000;

let version = '';
let start = ''; // of the sidecar, in words

function show() {
  setText('about', version && `Version ${version}${start && `, up since ${start}`}`);
}

export const about = new Repeated(INTERVAL_MS, async () => {
  version = (await (await askSoon('', {headers: {Accept: 'application/json'}})).json()).version;
  show();
  const {uptime_seconds: uptime_s} = await (await askSoon('stats')).json();
  start = formatClock(new Date(Date.now() - uptime_s * 1000));
  show();
});

/** Nothing of it is known while the sidecar does not answer: another one may come. */
export function setSidecarAway(isAway) {
  if (!isAway) return about.restart();
  version = start = '';
  return show();
}
