// Answers overtake each other: which of them may be older than what is known. A read is
// known by the tick at which it was begun; what is said to have changed after that tick
// may not be in it yet.
//
//   const read = order.begin();
//   ... order.rowsChanged([7]) ...           // an event came meanwhile
//   order.rowSince(read, 7)                  // true: ask for row 7 again
//   order.end(read);

export class ReadOrder {
  private tick = 0;
  private readonly reading = new Set<number>();
  private readonly rows = new Map<number, number>(); // said to have changed while something was read
  private all = 0;

  /** Later than everything before, earlier than every read to come. */
  now(): number {
    return ++this.tick;
  }
  begin(): number {
    const read = this.now();
    this.reading.add(read);
    return read;
  }
  end(read: number): void {
    this.reading.delete(read);
    if (!this.reading.size) this.rows.clear(); // nothing that is on its way can be old
  }

  rowsChanged(ids: Iterable<number>): void {
    const now = this.now();
    if (this.reading.size) for (const id of ids) this.rows.set(id, now);
  }
  allChanged(): void {
    this.all = this.now();
  }
  rowSince(read: number, id: number): boolean {
    return (this.rows.get(id) ?? 0) > read;
  }
  allSince(read: number): boolean {
    return this.all > read;
  }
}
