// Where the server's events stood when it began an answer (X-Argil-Events: the server's boot
// and the number of the last event). The first answers are on their way before the stream of
// events is: it begins where the oldest of them stood, so that no change falls in between.
let oldest = "";
let began = "";
let missed: () => void = () => {};

function place(text: string): { boot: string; number: number } {
  const cut = text.lastIndexOf("-");
  return { boot: text.slice(0, cut), number: Number(text.slice(cut + 1)) };
}

function before(one: string, other: string): boolean {
  const a = place(one);
  const b = place(other);
  return a.boot === b.boot && a.number < b.number;
}

export function noteAnswer(stood: string | null): void {
  if (!stood) return;
  if (began) {
    if (!before(stood, began)) return;
    began = stood;
    missed();
  } else if (!oldest || before(stood, oldest)) {
    oldest = stood;
  }
}

/** Where a stream begins that has had the events up to `lastId`, or none. `told`: an answer came that is older than this. */
export function beginStream(lastId: string, told: () => void): string {
  missed = told;
  const from = lastId || oldest;
  if (!began) began = from;
  return from;
}

/** The stream stands at this event. */
export function streamStands(at: string): void {
  if (began || !at) return;
  began = at;
  if (oldest && before(oldest, at)) missed();
}

export function endStream(): void {
  oldest = "";
  began = "";
}
