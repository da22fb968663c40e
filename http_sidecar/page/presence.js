// Who does not answer, and since when: the state in the head, and a banner that cannot be overlooked.

import {Refusal, Repeated, askSoon, isNoAnswer} from './client.js';
import {byId, setText} from './dom.js';
import {formatClock} from './format.js';

const INTERVAL_MS = 1000;
const ANSWER_PATIENCE_MS = 4000; // of who waits for nobody
const SEEN_WELL_MS = 6000; // a trouble that is found later than this after all was well may have begun before

let trouble = null; // {part, state, textSince(since)} while there is one
let since; // when it was found, in words
let lastWell = null; // when there was none
let lastAnswer = null;
let listener = () => {};

/** Calls `told(part)` when another part is away: 'sidecar', 'broker', 'other', or null when all is well. */
export function onPresence(told) {
  listener = told;
}

function troubleOf(error) {
  if (isNoAnswer(error)) {
    const last = lastAnswer ? ` Its last answer came at ${formatClock(lastAnswer)}.` : '';
    return {part: 'sidecar', state: 'The sidecar does not answer', textSince: () => `The sidecar does not answer.${last} It is asked again and again.`};
  }
  if (error instanceof Refusal && error.problem.checks?.broker === 'failing') {
    return {part: 'broker', state: 'No connection to the broker',
      textSince: (time) => `No connection to the broker since ${time}: ${error.message}. What came since is not known here.`};
  }
  return {part: 'other', state: 'Trouble', textSince: (time) => `Trouble since ${time}: ${error.message}.`};
}

function show(found) {
  const now = new Date();
  if (found && found.part !== trouble?.part) {
    since = `${formatClock(now)}${now - lastWell > SEEN_WELL_MS ? ' or earlier' : ''}`;
  }
  const hasChanged = found?.part !== trouble?.part;
  trouble = found;
  if (!found) lastWell = now;
  byId('state').className = found ? 'bad' : 'good';
  setText('state-text', found ? found.state : 'Running');
  document.title = found ? `${found.state} – mosquitto-dedup` : 'mosquitto-dedup';
  byId('banner').hidden = !found;
  setText('banner', found ? found.textSince(since) : '');
  if (hasChanged) listener(found ? found.part : null);
}

export const presence = new Repeated(INTERVAL_MS, async () => {
  try {
    await askSoon('readyz', {signal: AbortSignal.timeout(ANSWER_PATIENCE_MS)});
    lastAnswer = new Date();
    show(null);
  } catch (error) {
    if (!isNoAnswer(error)) lastAnswer = new Date();
    show(troubleOf(error));
  }
});
