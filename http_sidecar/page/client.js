// Asks the sidecar what any client may ask it, and reads its answers.

const ANSWER_PATIENCE_MS = 10_000;

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** An answer that is an error; `message` is its detail, `problem` all that it says. */
export class Refusal extends Error {
  constructor(status, detail, problem = {}) {
    super(detail);
    this.status = status;
    this.problem = problem;
  }
}

export const isNoAnswer = (error) => error instanceof TypeError || error.name === 'TimeoutError';
export const wordsOf = (error) => (isNoAnswer(error) ? 'the sidecar does not answer' : error.message);

export const isLockedOut = (error) => error instanceof Refusal && (error.status === 401 || error.status === 403);

let token = sessionStorage.getItem('token');
let tellOfLock = () => {};

/** Sets what all further requests show; null: none. */
export function setToken(value) {
  token = value;
  if (value === null) {
    sessionStorage.removeItem('token');
  } else {
    sessionStorage.setItem('token', value);
  }
}

/** Calls `listener(error, hasToken)` whenever a request is refused for want of the right token. */
export function onLockedOut(listener) {
  tellOfLock = listener;
}

async function refusalOf(response) {
  const text = await response.text();
  try {
    const problem = JSON.parse(text);
    return new Refusal(response.status, problem.detail ?? text, problem);
  } catch {
    return new Refusal(response.status, text || response.statusText);
  }
}

/** The response to a request, when it is a success. Errors: Refusal, or TypeError when nobody answers. */
export async function ask(path, {headers = {}, ...options} = {}) {
  if (token !== null) headers = {...headers, Authorization: `Bearer ${token}`};
  const asked = token;
  const response = await fetch(path, {cache: 'no-store', credentials: 'omit', headers, ...options});
  if (response.ok) return response;
  const refusal = await refusalOf(response);
  if (asked === token && isLockedOut(refusal)) tellOfLock(refusal, token !== null);
  throw refusal;
}

export const askSoon = (path, options) => ask(path, {signal: AbortSignal.timeout(ANSWER_PATIENCE_MS), ...options});

/** Calls `step` again and again, while the page is to be seen and the sidecar lets us in. */
export class Repeated {
  /** `freshness`: of what the step shows; one that fails, or returns false, has shown nothing of now. */
  constructor(interval_ms, step, freshness = null) {
    this.interval_ms = interval_ms;
    this.step = step;
    this.freshness = freshness;
    this.turn = 0;
    document.addEventListener('visibilitychange', () => this.restart());
  }

  async restart() {
    const turn = ++this.turn;
    while (turn === this.turn && !document.hidden) {
      const begin = performance.now();
      try {
        const isOfNow = (await this.step()) !== false;
        if (isOfNow) this.freshness?.confirm();
        else this.freshness?.expire();
      } catch (error) {
        this.freshness?.expire();
        if (isLockedOut(error)) return; // until there is another token
      }
      await wait(Math.max(0, this.interval_ms - (performance.now() - begin)));
    }
  }
}

/** The samples of a text in Prometheus's format that have no labels. */
export function parseMetrics(text) {
  const metrics = {};
  for (const [, name, value] of text.matchAll(/^mosquitto_dedup_(\w+) (\S+)$/gm)) metrics[name] = Number(value);
  return metrics;
}

// Numbers as they were posted, where the browser can: 1.50 stays 1.50.
const exactNumber = (key, value, context) =>
  typeof value === 'number' && context && JSON.rawJSON ? JSON.rawJSON(context.source) : value;

export function parseEvents(text) {
  const events = [JSON.parse(text, exactNumber)].flat();
  for (const event of events) event.seq = event.seq.rawJSON ?? event.seq;
  return events;
}

/** Calls `onEvent(text, seq)` for each event of a stream of server-sent events, until it ends. */
export async function readStream(response, onEvent, onChunk) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    onChunk();
    const frames = (rest + value).split('\n\n');
    rest = frames.pop();
    for (const frame of frames) {
      const id = /^id: (\d+)$/m.exec(frame);
      const data = /^data: (.*)$/m.exec(frame);
      if (id) onEvent(data && data[1], Number(id[1]));
    }
  }
}
