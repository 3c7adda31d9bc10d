// Parts of the app without a page. The queue of what people typed (web/src/grid/queue.ts):
// order, one at a time, nothing lost while the server comes and goes; its clock is ours.
// Answers that come again (web/src/api/same.ts), and late (grid/order.ts, grid/typed.ts).
'use strict';
const path = require('path');
const { story, run, assert } = require('../browser/support');

const QUEUE = path.join(process.env.ARGIL_ROOT, 'web/src/grid/queue.ts');

// A queue whose sends are answered by hand: answers[n](true) or (false), oldest first.
async function made() {
  const { SaveQueue } = await import(QUEUE);
  const seen = { sent: [], answers: [], waiting: 0, timer: null, waits: [] };
  const timers = {
    later: (act, ms) => { seen.waits.push(ms); seen.timer = act; return act; },
    cancel: () => { seen.timer = null; },
  };
  seen.queue = new SaveQueue((step) => {
    seen.sent.push(step);
    return new Promise((answer) => seen.answers.push(answer));
  }, (waiting) => { seen.waiting = waiting; }, timers);
  seen.answer = async (arrived) => {
    seen.answers.shift()(arrived);
    await new Promise(setImmediate);
  };
  return seen;
}

story('what is typed goes one at a time, in order', async () => {
  const seen = await made();
  seen.queue.add('a');
  seen.queue.add('b');
  assert.deepStrictEqual(seen.sent, ['a']);
  await seen.answer(true);
  seen.queue.add('c');
  assert.deepStrictEqual(seen.sent, ['a', 'b']);
  await seen.answer(true);
  await seen.answer(true);
  assert.deepStrictEqual(seen.sent, ['a', 'b', 'c']);
  assert.strictEqual(seen.waiting, 0);
  assert.strictEqual(seen.timer, null, 'nothing is tried again');
});

story('what cannot be sent is kept, tried again by itself, and loses no step half way', async () => {
  const seen = await made();
  seen.queue.add('a');
  seen.queue.add('b');
  await seen.answer(false);
  assert.strictEqual(seen.waiting, 2);
  seen.queue.add('c'); // typed while away: goes behind, sends nothing
  assert.deepStrictEqual(seen.sent, ['a']);
  assert.strictEqual(seen.waiting, 3);
  seen.timer();
  seen.queue.add('d'); // typed while the others go out
  seen.queue.flush(); // and the stream says hello meanwhile: still one at a time
  assert.deepStrictEqual(seen.sent, ['a', 'a']);
  await seen.answer(true);
  assert.deepStrictEqual(seen.sent, ['a', 'a', 'b']);
  await seen.answer(false); // away again, half way
  assert.strictEqual(seen.waiting, 3);
  seen.queue.flush(); // hello: at once, without the timer
  assert.strictEqual(seen.timer, null, 'one try at a time');
  for (let at = 0; at < 3; at++) await seen.answer(true);
  assert.deepStrictEqual(seen.sent.slice(3), ['b', 'c', 'd']);
  assert.strictEqual(seen.waiting, 0);
});

story('tries come further apart, and start over once something arrived', async () => {
  const seen = await made();
  seen.queue.add('a');
  for (let at = 0; at < 6; at++) {
    await seen.answer(false);
    seen.timer();
  }
  assert.strictEqual(seen.sent.length, 7, 'each try sends it again');
  assert.deepStrictEqual(seen.waits, [500, 1000, 2000, 5000, 5000, 5000]);
  seen.queue.add('b');
  await seen.answer(true);
  await seen.answer(false);
  assert.strictEqual(seen.waits.at(-1), 500);
});

story('an answer that comes again unchanged is the same object, part by part', async () => {
  const { sameWhereEqual } = await import(path.join(process.env.ARGIL_ROOT, 'web/src/api/same.ts'));
  const old = { name: 'people', columns: [{ id: 1 }, { id: 2 }], rules: null };
  const again = () => JSON.parse(JSON.stringify(old));
  assert.strictEqual(sameWhereEqual(old, again()), old);
  const changed = sameWhereEqual(old, { ...again(), name: 'persons' });
  assert.notStrictEqual(changed, old);
  assert.strictEqual(changed.columns, old.columns);
  const more = sameWhereEqual(old, { ...again(), columns: [{ id: 1 }, { id: 3 }, { id: 4 }] });
  assert.strictEqual(more.columns[0], old.columns[0]);
  assert.deepStrictEqual(more.columns, [{ id: 1 }, { id: 3 }, { id: 4 }]);
  for (const [was, is] of [[{ a: 1, b: 2 }, { a: 1 }], [{ a: 1 }, { a: 1, b: undefined }], [[1, 2], [1]], [null, {}], [{}, null], [[], {}], ['1', 1]])
    assert.deepStrictEqual(sameWhereEqual(was, is), is);
});

story('a read knows what was said to have changed since it was begun', async () => {
  const { ReadOrder } = await import(path.join(process.env.ARGIL_ROOT, 'web/src/grid/order.ts'));
  const order = new ReadOrder();
  order.rowsChanged([7]); // nothing is being read: every read to come knows it
  const first = order.begin();
  assert(!order.rowSince(first, 7));
  order.rowsChanged([7, 8]);
  const second = order.begin();
  assert(order.rowSince(first, 7) && order.rowSince(first, 8) && !order.rowSince(first, 9));
  assert(!order.rowSince(second, 7), 'it was begun later');
  order.end(second);
  assert(order.rowSince(first, 7), 'the first one is still on its way');
  order.allChanged();
  assert(order.allSince(first));
  order.end(first);
  assert(!order.allSince(order.begin()));
});

story('what was typed stands over older answers, and only over those', async () => {
  const { TypedCells } = await import(path.join(process.env.ARGIL_ROOT, 'web/src/grid/typed.ts'));
  const typed = new TypedCells();
  const columns = [10, 11];
  const seen = (read) => typed.over(1, ['old', 'beside'], columns, read);
  typed.set(1, 10, 'a');
  typed.set(1, 10, null); // typed again before the first was saved
  assert.deepStrictEqual(seen(5), [null, 'beside']);
  typed.end(1, 10, 6);
  assert.deepStrictEqual(seen(7), [null, 'beside'], 'the second is not saved yet, and the answer may be from between');
  typed.end(1, 10, 8);
  assert.deepStrictEqual(seen(7), [null, 'beside'], 'an answer from before the save');
  assert.deepStrictEqual(seen(9), ['old', 'beside'], 'an answer from after it');
  assert.deepStrictEqual(seen(7), ['old', 'beside'], 'and that was all');
  typed.set(1, 11, 'does not fit');
  typed.end(1, 11, 10, 'beside');
  assert.deepStrictEqual(typed.over(1, ['old', 'does not fit'], columns, 9), ['old', 'beside']);
  assert.deepStrictEqual(typed.over(2, ['other'], columns, 9), ['other']);
});

run();
