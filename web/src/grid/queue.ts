// What waits to be saved: sent one after the other in the order it was typed, kept while
// the server cannot be reached, tried again by itself.
//
//   const queue = new SaveQueue(send, told);   // send: false = cannot be reached
//   queue.add(step);                           // goes behind what waits already
//   queue.flush();                             // the server is back: at once
//
// Invariants: one step is on its way at a time; a step leaves the queue only when it was
// answered; what is added while others go out goes behind them.

/** The clock, so that a test need not wait. */
export interface Timers {
  later: (run: () => void, ms: number) => unknown;
  cancel: (timer: unknown) => void;
}
const REAL: Timers = {
  later: (run, ms) => setTimeout(run, ms),
  cancel: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
const RETRY_MS = [500, 1000, 2000, 5000];

export class SaveQueue<Step> {
  private readonly steps: Step[] = [];
  private readonly send: (step: Step) => Promise<boolean>;
  private readonly told: (waiting: number) => void;
  private readonly timers: Timers;
  private sending = false;
  private timer: unknown = null;
  private tries = 0;
  private late = false; // something waits because a try failed

  /** `told` hears how many steps wait because the server cannot be reached. */
  constructor(send: (step: Step) => Promise<boolean>, told: (waiting: number) => void, timers: Timers = REAL) {
    this.send = send;
    this.told = told;
    this.timers = timers;
  }

  /** Ends when the step was answered, or waits for the server. */
  async add(step: Step): Promise<void> {
    this.steps.push(step);
    if (this.late) this.told(this.steps.length);
    if (this.timer === null) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.sending) return;
    this.timers.cancel(this.timer);
    this.timer = null;
    this.sending = true;
    let first: Step | undefined;
    while ((first = this.steps[0]) !== undefined && (await this.send(first))) this.answered();
    this.sending = false;
    if (this.steps.length) this.hold();
  }

  private answered(): void {
    this.steps.shift();
    this.tries = 0;
    if (this.late) this.told(this.steps.length);
    this.late &&= this.steps.length > 0;
  }

  private hold(): void {
    const wait = RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)] ?? 5000;
    this.late = true;
    this.told(this.steps.length);
    this.timer = this.timers.later(() => void this.flush(), wait);
  }
}
