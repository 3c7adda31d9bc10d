// Cells that people type: keys, paste from a spreadsheet, undo, two people in one cell.
'use strict';
const net = require('net');
const { story, run, assert } = require('../browser/support');
const { Site } = require('./site');

const COLUMNS = `columns:
  - { name: Note, input: {} }
  - { name: Score, type: number, input: {} }
  - { name: Stage, input: { choices: [New, Won], hint: "Where it stands." } }
  - { name: Loud, formula: "{{Note}} ? {{Note}}.toUpperCase() : null" }
`;

story('cells are typed, pasted, undone, and crossed visibly', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const site = await Site.open(page);
  await site.setup();
  await site.connect();
  await site.table(COLUMNS, 'Id, LastName');
  await site.ask('PUT', '/tables/people/auto-update', { on: true });
  await page.goto(site.url + '/tables/people');
  await page.getByRole('grid').waitFor();
  await site.cell(1, 2).filter({ hasText: /\S/ }).waitFor();
  const head = (name) => page.locator('.g-name').filter({ hasText: name });
  const at = async (name) => Number(await head(name).getAttribute('aria-colindex')) - 1;
  const [note, score, stage, loud] = [await at('Note'), await at('Score'), await at('Stage'), await at('Loud')];
  const says = (row, column, text) => site.cell(row, column).filter({ hasText: text }).waitFor();
  const empty = async (row, column) => { await says(row, column, /^$/); };
  const keys = async (...list) => { for (const key of list) await page.keyboard.press(key); };

  // typing replaces, Enter saves and goes down, Escape takes back; what reads it runs by itself
  await site.cell(1, note).click();
  await page.keyboard.type('hello');
  await page.getByRole('combobox').or(page.getByLabel('Note, row 1')).first().waitFor();
  await site.fine('typing');
  await keys('Enter');
  await says(1, note, /^hello$/);
  await says(1, loud, /^HELLO$/);
  await page.keyboard.type('never mind');
  await keys('Escape');
  await empty(2, note);
  await keys('ArrowUp', 'F2');
  await page.getByLabel('Note, row 1').fill('hello there');
  await keys('Tab');
  await says(1, note, /^hello there$/);
  await page.keyboard.type('twelve');
  await keys('Enter');
  await page.getByText('"twelve" is not a number. The cell stays as it was.').waitFor();
  await empty(1, score);
  await page.getByRole('button', { name: 'Dismiss' }).last().click();

  // a block of a spreadsheet: counted, checked, one step to undo
  await page.evaluate(() => navigator.clipboard.writeText('one\t1\tNew\r\n"two\tlines"\tmany\tWon\r\nthree\t3\tLost\r\n'));
  await site.cell(2, note).click();
  await keys('Control+v');
  const line = page.getByRole('alertdialog', { name: 'Paste' });
  await line.getByText("Paste 3 × 3, 2 values don't fit").waitFor();
  await site.fine('paste');
  await line.getByRole('button', { name: 'Paste 7 cells' }).click();
  await says(2, score, /^1$/);
  await says(3, note, /two\tlines/);
  await says(3, stage, /^Won$/);
  await says(4, note, /^three$/);
  await empty(3, score);
  await empty(4, stage);
  await keys('Control+z');
  await page.getByText('Undone: 9 cells.').waitFor();
  await empty(2, note);
  await empty(3, stage);
  await keys('Control+Shift+z');
  await says(4, score, /^3$/);
  await site.cell(2, note).click();
  await keys('Shift+ArrowDown', 'Control+x');
  await page.getByText('Copied 2 cells.').waitFor();
  await empty(2, note);
  await keys('Control+v');
  await line.getByRole('button', { name: 'Paste 2 cells' }).click();
  await says(3, note, /two\tlines/);
  await site.cell(1, 1).click();
  await keys('Delete');
  await page.getByText('This cell is not typed by people.').waitFor();

  // two people in one cell: the last one wins, and says so
  const table = await site.ask('GET', '/tables/people');
  const column = table.columns.find((one) => one.name === 'Note').id;
  const { rows } = await site.ask('GET', '/tables/people/rows?limit=1');
  await site.cell(1, note).dblclick();
  await page.getByLabel('Note, row 1').fill('mine');
  await site.ask('PUT', '/tables/people/cells', { cells: [{ row_id: rows[0].id, column_id: column, value: 'theirs' }] });
  await keys('Enter');
  await page.getByText(/changed this cell .* to "theirs"\. Yours was saved on top\./).waitFor();
  await says(1, note, /^mine$/);
  await page.getByRole('button', { name: "Use ann@example.com's" }).click();
  await says(1, note, /^theirs$/);
  await site.cell(1, note).click();
  await keys(' ');
  await page.getByRole('tab', { name: 'History' }).click();
  await page.locator('.panel .why li').nth(3).waitFor();
  await page.locator('.panel .why').filter({ hasText: 'mine' }).waitFor();
  await site.fine('what was typed');

  // nobody else's server: what cannot be saved waits, visibly, and is saved later
  await keys('Escape');
  const port = new URL(site.url).port;
  await site.program.stop();
  await site.cell(5, note).click();
  await page.keyboard.type('while away');
  await keys('Enter');
  await page.getByText('1 change is not saved yet').waitFor();
  await site.serve(port);
  await page.getByText('1 change is not saved yet').waitFor({ state: 'detached' });
  const later = await site.ask('GET', '/tables/people/rows?limit=5');
  assert.strictEqual(later.rows[4].cells[note - 1].v ?? later.rows[4].cells[note - 1], 'while away');
});

// Answers to GETs that the server has given and the page has not had yet, until they are let go.
async function hold(page, pattern) {
  const waiting = [];
  const held = { on: true };
  let told = () => {};
  await page.route(pattern, async (route) => {
    if (!held.on || route.request().method() !== 'GET') return route.continue();
    const answer = await route.fetch(); // as things are now
    const released = new Promise((go) => waiting.push(go));
    told();
    await released;
    await route.fulfill({ response: answer }).catch(() => {}); // nobody waits for it any more
  });
  held.came = async () => { while (!waiting.length) await new Promise((come) => { told = come; }); };
  held.letGo = async () => {
    await held.came();
    const arrives = page.waitForResponse(pattern);
    waiting.shift()();
    await (await arrives).finished();
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  };
  held.end = async () => { held.on = false; for (const go of waiting.splice(0)) go(); };
  return held;
}

story('an answer that comes late brings back nothing that is over', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const site = await Site.open(page);
  await site.setup();
  await site.connect();
  await site.table(COLUMNS, 'Id, LastName');
  const { columns } = await site.ask('GET', '/tables/people');
  const idOf = (name) => columns.find((one) => one.name === name).id;
  const ids = (await site.ask('GET', '/tables/people/rows?limit=4')).rows.map((row) => row.id);
  const somebody = async (row, name, value) => { // and the page has heard of it
    const asks = page.waitForRequest(/\/people\/states/); // what follows an event of rows
    await site.ask('PUT', '/tables/people/cells', { cells: [{ row_id: ids[row - 1], column_id: idOf(name), value }] });
    await asks;
  };

  // rows that were read before a change and come after it
  const windows = await hold(page, /\/people\/window/);
  const drawn = page.waitForResponse(/\/people\/states/);
  await page.goto(site.url + '/tables/people');
  await drawn;
  await windows.came();
  await page.locator('.g-name').filter({ hasText: 'Score' }).waitFor();
  const at = async (name) => Number(await page.locator('.g-name').filter({ hasText: name }).getAttribute('aria-colindex')) - 1;
  const [note, score] = [await at('Note'), await at('Score')];
  const says = (row, column, text) => site.cell(row, column).filter({ hasText: text }).waitFor();
  await somebody(1, 'Score', '1');
  await windows.letGo();
  await says(1, score, /^1$/);

  // the server was restarted: all rows are asked for again, and one of them changes meanwhile
  const port = new URL(site.url).port;
  await site.program.stop();
  await site.serve(port);
  await windows.came();
  await somebody(1, 'Score', '2');
  await says(1, score, /^2$/);
  await windows.letGo();
  assert.strictEqual(await site.cell(1, score).textContent(), '2');
  await windows.end();

  // cut and paste, while a row's answer from before the cut is on its way
  for (const [row, text] of [[2, 'one'], [3, 'two']]) {
    await site.cell(row, note).click();
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
    await says(row, note, text);
  }
  const patches = await hold(page, /\/people\/rows\?ids=/);
  await somebody(3, 'Score', '3');
  await patches.came();
  await site.cell(2, note).click();
  await page.keyboard.press('Shift+ArrowDown');
  const saved = page.waitForResponse((answer) => answer.request().method() === 'PUT');
  await page.keyboard.press('Control+x');
  await saved;
  await says(3, note, /^$/);
  await patches.letGo();
  assert.strictEqual(await site.cell(3, note).textContent(), '', 'it was cut');
  await page.keyboard.press('Control+v');
  await page.getByRole('button', { name: 'Paste 2 cells' }).click();
  await says(3, note, /^two$/);
  await patches.letGo(); // read after the cut, before the paste
  assert.strictEqual(await site.cell(3, note).textContent(), 'two', 'it was pasted');
  await patches.end();
  await page.waitForFunction(async () => {
    const { rows } = await (await fetch('/api/v1/tables/people/rows?limit=3')).json();
    return JSON.stringify(rows[2].cells).includes('two');
  });
  await says(3, note, /^two$/);
  await says(3, score, /^3$/);
});

// Between the page and the server: what goes through can be cut off, as a network does.
async function wireTo(port) {
  const sockets = new Set();
  const wire = { cut: false };
  const server = net.createServer((near) => {
    if (wire.cut) return near.destroy();
    const far = net.connect(port, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on('error', () => {}).on('close', () => { sockets.delete(one); other.destroy(); }).pipe(other);
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  server.unref();
  wire.url = `http://127.0.0.1:${server.address().port}`;
  wire.break = () => { wire.cut = true; for (const one of sockets) one.destroy(); };
  return wire;
}

story('a dropped event stream resumes without a gap', async ({ page }) => {
  const site = await Site.open(page);
  const port = new URL(site.url).port;
  const wire = await wireTo(port);
  await site.program.stop();
  await site.serve(port, '--public-url', wire.url);
  await site.setup();
  await site.connect();
  await site.table(COLUMNS, 'Id, LastName');
  await page.goto(site.url + '/tables/people');
  await site.cell(8, 2).filter({ hasText: /\S/ }).waitFor();
  const table = await site.ask('GET', '/tables/people');
  const column = table.columns.find((one) => one.name === 'Note').id;
  const at = Number(await page.locator('.g-name').filter({ hasText: 'Note' }).getAttribute('aria-colindex')) - 1;
  const ids = (await site.ask('GET', '/tables/people/rows?limit=8')).rows.map((row) => row.id);
  const { text: token } = await site.ask('POST', '/tokens', { name: 'other', scope: 'runner' });
  const type = async (row, value) => { // somebody else, by another way than the page's
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/tables/people/cells`, {
      method: 'PUT', headers: { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' },
      body: JSON.stringify({ cells: [{ row_id: ids[row], column_id: column, value }] }),
    });
    assert(answer.ok, await answer.text());
  };
  const says = (row, value) => site.cell(row + 1, at).filter({ hasText: value }).waitFor();
  await type(0, 'before'); // so that there is a last event
  await says(0, 'before');
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  wire.break();
  await page.getByText(/Connection to Argil lost/).waitFor();
  for (const row of [5, 6, 7]) await type(row, `meanwhile ${row}`);
  wire.cut = false;
  for (const row of [5, 6, 7]) await says(row, `meanwhile ${row}`);
  await page.getByText(/Connection to Argil lost/).waitFor({ state: 'detached' });
  assert(asked.some((url) => /\/events\?last_id=./.test(url)), 'the stream says what it has had');
  assert(asked.some((url) => /\/rows\?ids=/.test(url)), 'what had changed was named');
  assert(!asked.some((url) => /\/window/.test(url)), `nothing else was asked for again: ${asked.join(' ')}`);
});

// `held`: the request that comes late; what changes meanwhile is on the screen in the end.
async function changedWhileOpening(site, page, pattern, type, at, row) {
  let release;
  const held = new Promise((open) => { release = open; });
  let asked;
  const seen = new Promise((told) => { asked = told; });
  await page.route(pattern, async (route) => {
    asked();
    await held;
    await route.continue();
  });
  const window = page.waitForResponse((answer) => /\/window\?/.test(answer.url()));
  await page.goto(site.url + '/tables/people');
  await Promise.all([seen, window]);
  await type(row, `while opening ${row}`);
  await new Promise((go) => setTimeout(go, 500)); // the event has gone by
  release();
  await site.cell(row + 1, at).filter({ hasText: `while opening ${row}` }).waitFor();
  await page.unroute(pattern);
}

story('what changes while a page is being opened is shown', async ({ page }) => {
  const site = await Site.open(page);
  await site.setup();
  await site.connect();
  await site.table(COLUMNS, 'Id, LastName');
  await page.goto(site.url + '/tables/people');
  await site.cell(8, 2).filter({ hasText: /\S/ }).waitFor();
  const column = (await site.ask('GET', '/tables/people')).columns.find((one) => one.name === 'Note').id;
  const at = Number(await page.locator('.g-name').filter({ hasText: 'Note' }).getAttribute('aria-colindex')) - 1;
  const ids = (await site.ask('GET', '/tables/people/rows?limit=8')).rows.map((row) => row.id);
  const { text: token } = await site.ask('POST', '/tokens', { name: 'other', scope: 'runner' });
  const type = async (row, value) => {
    const answer = await fetch(`${site.url}/api/v1/tables/people/cells`, {
      method: 'PUT', headers: { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' },
      body: JSON.stringify({ cells: [{ row_id: ids[row], column_id: column, value }] }),
    });
    assert(answer.ok, await answer.text());
  };
  await changedWhileOpening(site, page, '**/api/v1/events*', type, at, 1); // the stream comes late
  await changedWhileOpening(site, page, /\/api\/v1\/tables\/people$/, type, at, 2); // the grid does
});

run();
