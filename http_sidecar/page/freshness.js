// Whether what a part of the page shows is of now: an old value must not look like a new one.

import {formatClock} from './format.js';

const PATIENCE_MS = 5000; // beyond the interval at which a part is asked for: a busy machine is no dead one

/** The elements with `data-of` of that name. While they are not of now they are grey, and their `.as-of` says of when they are. */
export class Freshness {
  /** `onChange`: called whenever isOfNow changes. */
  constructor(name, interval_ms, onChange = () => {}) {
    this.parts = document.querySelectorAll(`[data-of~="${name}"]`);
    this.limit_ms = interval_ms + PATIENCE_MS;
    this.onChange = onChange;
    this.isOfNow = true; // as long as nothing is shown
    this.time = null; // of what is shown
    this.reason = '';
    document.addEventListener('visibilitychange', () => document.hidden && this.expire()); // nothing is asked for then
  }

  /** What is shown is of this moment. */
  confirm() {
    this.time = new Date();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.expire(), this.limit_ms); // also when an answer does not come, nor an error
    this.set(true);
  }

  /** What is shown is not of now any more. `reason`: what to say where nothing was ever of now. */
  expire(reason = this.reason) {
    clearTimeout(this.timer);
    this.reason = reason;
    this.set(false);
  }

  set(isOfNow) {
    const text = this.time ? `As of ${formatClock(this.time)}` : this.reason;
    for (const part of this.parts) {
      part.classList.toggle('stale', !isOfNow);
      const note = part.querySelector('.as-of');
      if (!note) continue; // it is in another part that has one
      note.hidden = isOfNow || text === '';
      if (!isOfNow) note.textContent = text;
    }
    if (this.isOfNow === isOfNow) return;
    this.isOfNow = isOfNow;
    this.onChange();
  }
}
