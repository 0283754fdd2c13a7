/** Measures how long messages take from tab to tab and back. */
export class Pings {
  /** Of the last one that was asked for, in milliseconds. */
  slowest = 0;
  #me = crypto.randomUUID();
  #channel = new BroadcastChannel("pings");

  /** Answers the pings of other tabs from now on. */
  constructor() {
    this.#channel.onmessage = ({ data: { by, to, sent } }) => {
      if (to === undefined) this.#channel.postMessage({ by: this.#me, to: by, sent });
      else if (to === this.#me) this.slowest = Math.max(this.slowest, performance.now() - sent);
    };
  }

  /** Asks all others. */
  ping(): void {
    this.slowest = 0;
    this.#channel.postMessage({ by: this.#me, sent: performance.now() });
  }
}
