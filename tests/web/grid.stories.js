// The grid: text that is not tame, keys, filters, a server that goes away, roles.
'use strict';
const fs = require('fs');
const path = require('path');
const { story, run, assert } = require('../browser/support');
const { Site } = require('./site');

const MEGABYTE = 1 << 20;
const HOSTILE = [
  ['<script>window.pwned = 1</script>', '<img src=x onerror="window.pwned = 2">'],
  ['=HYPERLINK("http://evil.example","x")', '@SUM(1)'],
  ['\u202Egnp.exe', 'a\u0000b\u0007c\u001b[31m'],
  ['javascript:window.pwned=3', '{{constructor.constructor("window.pwned=4")()}}'],
  ['x'.repeat(MEGABYTE), 'tail'],
];

function csv(rows) {
  const field = (text) => `"${text.replaceAll('"', '""')}"`;
  return rows.map((row) => row.map(field).join(',')).join('\n') + '\n';
}

async function importFile(site, page, rows) {
  const file = path.join(site.w.home, 'things.csv');
  fs.writeFileSync(file, csv(rows));
  await page.goto(site.url + '/tables/new?source=csv');
  await page.getByLabel('CSV file *').setInputFiles(file);
  await page.getByRole('heading', { name: 'First rows' }).waitFor();
  await page.getByRole('button', { name: 'Import the file' }).click();
  await page.getByRole('grid').waitFor();
  await page.getByText(rows.length === 2 ? '1 row' : `${(rows.length - 1).toLocaleString('en-US')} rows`, { exact: true }).waitFor();
  await site.cell(1, 1).filter({ hasText: /\S/ }).waitFor();
}

story('whatever a cell holds is shown as text', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const site = await Site.open(page);
  await site.setup();
  await importFile(site, page, [['One', 'Two'], ...HOSTILE.map(([a, b]) => [a.replaceAll('\u0000', ''), b.replaceAll('\u0000', '')])]);
  assert.match(await site.cell(1, 1).textContent(), /<script>/);
  assert.match(await site.cell(1, 2).textContent(), /onerror/);
  await site.cell(5, 1).dblclick();
  await page.getByRole('button', { name: /Show more/ }).waitFor();
  assert((await page.locator('.panel .value').textContent()).length < 5000, 'long values are folded');
  await page.getByRole('button', { name: /Show more/ }).click();
  assert.strictEqual((await page.locator('.panel .value').textContent()).length, MEGABYTE);
  await page.keyboard.press('Escape');
  await page.locator('.panel').waitFor({ state: 'detached' });
  await site.cell(2, 1).click();
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Control+c');
  await page.getByText('Copied 2 cells.').waitFor();
  assert.strictEqual(await page.evaluate(() => navigator.clipboard.readText()), '"=HYPERLINK(""http://evil.example"",""x"")"\t@SUM(1)');
  assert.strictEqual(await page.evaluate(() => window.pwned), undefined);
  await site.fine('hostile cells');
  await site.end();
});

story('keys, filters, search and sorts', async ({ page }) => {
  const site = await Site.open(page);
  await site.setup();
  const rows = Array.from({ length: 1500 }, (_, at) => [`Name ${String(at).padStart(4, '0')}`, String(1500 - at), at % 3 ? 'Oslo' : 'Bergen']);
  await importFile(site, page, [['Name', 'Number', 'City'], ...rows]);
  const focused = () => page.locator('.g-cell.focused');
  await page.getByRole('grid').focus();
  await page.keyboard.press('Control+End');
  await focused().filter({ hasText: 'Bergen' }).or(focused().filter({ hasText: 'Oslo' })).waitFor();
  await site.cell(1500, 1).filter({ hasText: 'Name 1499' }).waitFor();
  await page.keyboard.press('Control+Home');
  await focused().filter({ hasText: 'Name 0000' }).waitFor();
  await page.keyboard.press('PageDown');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Shift+ArrowDown');
  await page.getByText('2 rows × 1 column selected').waitFor();
  await page.keyboard.press('Alt+ArrowDown');
  await page.getByRole('menuitem', { name: 'Sort down' }).click();
  await site.cell(1, 1).filter({ hasText: 'Name 1499' }).waitFor();
  await site.fine('sorted');

  await page.getByRole('button', { name: 'Filter' }).click();
  await site.fine('filter');
  await page.getByLabel('Column').selectOption('City');
  await page.getByLabel('Test').selectOption('is');
  await page.getByLabel('Value').fill('Bergen');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('500 of 1,500 rows').waitFor();
  await site.cell(1, 3).filter({ hasText: 'Bergen' }).waitFor();
  await page.keyboard.press('Control+f');
  await page.keyboard.type('Name 1497');
  await page.getByText('1 of 1,500 rows').waitFor();
  assert.match(page.url(), /search=Name/);
  await page.reload(); // a link shows the same
  await page.getByText('1 of 1,500 rows').waitFor();
  await page.getByLabel('Search this table').fill('nobody at all');
  await page.getByText('No row passes').waitFor();
  await site.fine('nothing passes');

  await page.keyboard.press('Control+k');
  await page.getByLabel(/^Table, column, place/).fill('budget');
  await site.fine('jump');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'API budget' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
  await site.fine('keys');
  await site.end();
});

story('rows that are scrolled fast are drawn, and text again where they rest', async ({ page }) => {
  const site = await Site.open(page);
  await site.setup();
  await importFile(site, page, [['One', 'Two'], ...Array.from({ length: 3000 }, (_, at) => [`row ${at + 1}`, `second of ${at + 1}`])]);
  const picture = page.locator('.g-motion');
  assert(!await picture.isVisible());
  await page.mouse.move(500, 400);
  const writing = () => page.evaluate(() => { // how much of it is not ground
    const seen = document.querySelector('.g-motion canvas');
    if (document.querySelector('.g-motion').hidden) return 0;
    const copy = Object.assign(document.createElement('canvas'), { width: seen.width, height: seen.height }).getContext('2d');
    copy.drawImage(seen, 0, 0);
    const pixels = new Uint32Array(copy.getImageData(0, 0, seen.width, seen.height).data.buffer);
    return pixels.filter((one) => one !== pixels[seen.width * 5 - 5]).length / pixels.length;
  });
  for (let n = 0; await writing() < 0.03; n++) await page.mouse.wheel(0, n % 40 < 20 ? 900 : -900);
  await page.mouse.wheel(0, 3000);
  const { rows: first } = await site.ask('GET', '/tables/things/window?limit=1000');
  const names = first.map((row) => row.cells[0]);
  const resting = () => page.evaluate((wanted) => { // what is not as it should be, or null
    const grid = document.querySelector('.grid');
    const frame = grid.getBoundingClientRect();
    const shown = [...document.querySelectorAll('.g-canvas .g-row')].filter((row) => {
      const box = row.getBoundingClientRect();
      return box.height && box.top > frame.top + 34 && box.bottom < frame.bottom - 28;
    }).map((row) => [Number(row.getAttribute('aria-rowindex')) - 1, row.querySelector('[aria-colindex="2"]').textContent]);
    const wrong = shown.filter(([at, text]) => text !== wanted[at - 1]);
    const right = document.querySelector('.g-motion').hidden && shown.length > 10 && shown[0][0] > 20 && !wrong.length;
    return right ? null : { moving: !document.querySelector('.g-motion').hidden, shown: shown.length, from: shown[0], wrong, top: grid.scrollTop };
  }, names);
  const top = () => page.evaluate(() => document.querySelector('.grid').scrollTop);
  for (let before = -1, now = await top(); now !== before; before = now, now = await top()) await page.waitForTimeout(500); // wheels may be under way
  let left = await resting();
  for (const end = Date.now() + 30000; left && Date.now() < end; left = await resting()) await page.waitForTimeout(50);
  assert(!left, `the rows do not come to rest: ${JSON.stringify(left)}`);
  const line = await page.evaluate(() => [...document.querySelectorAll('.g-canvas .g-row')].map((row) => row.getBoundingClientRect().bottom).find((bottom) => bottom > 300 && bottom < 450));
  await page.mouse.click(500, line - 0.5); // on the line between two rows
  const focused = () => page.evaluate((y) => {
    const box = document.getElementById('grid-focus')?.getBoundingClientRect();
    return box && box.left <= 500 && box.right >= 500 && box.top <= y && box.bottom >= y - 2 ? null : { box, y, top: document.querySelector('.grid').scrollTop };
  }, line);
  for (const end = Date.now() + 30000; (left = await focused()) && Date.now() < end;) await page.waitForTimeout(50);
  assert(!left, `what was clicked has not the focus: ${JSON.stringify(left)}`);
  await site.end();
});

story('the server restarted under an open page', async ({ page }) => {
  const site = await Site.open(page);
  await site.setup();
  await importFile(site, page, [['Name'], ['Ann'], ['Bob']]);
  const port = new URL(site.url).port;
  await site.program.stop();
  await page.getByText(/Connection to Argil lost/).waitFor();
  assert.match(await site.cell(1, 1).textContent(), /Ann/, 'the last rows stay');
  await site.serve(port);
  await page.getByText(/Connection to Argil lost/).waitFor({ state: 'detached' });
  await site.ask('DELETE', '/tables/things'); // the session lives on
});

story('what a viewer may not do is shown, off, and says who can', async ({ page, browser }) => {
  const site = await Site.open(page);
  await site.setup();
  await importFile(site, page, [['Name'], ['Ann']]);
  const made = await site.ask('POST', '/users', { login: 'vera@example.com', role: 'viewer' });
  await page.goto(site.url + '/settings/users');
  await page.getByText('vera@example.com').first().waitFor();
  await site.fine('users');
  for (const place of ['secrets', 'audit', 'account', 'about', 'budget']) {
    await page.goto(`${site.url}/settings/${place}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await site.fine(place);
  }
  const context = await browser.newContext();
  const hers = await context.newPage();
  await site.guard(hers);
  await hers.goto(made.link);
  await site.fine('a link', hers);
  await hers.getByLabel('New password').fill('another horse battery');
  await hers.getByRole('button', { name: 'Save and sign in' }).click();
  await hers.getByRole('navigation', { name: 'Places' }).waitFor();
  await hers.goto(site.url + '/tables/things');
  const column = hers.getByRole('button', { name: 'Column', exact: true });
  await column.waitFor();
  assert(await column.isDisabled());
  assert.match(await column.getAttribute('title'), /role builder; yours is viewer/);
  assert(await hers.getByRole('button', { name: 'Sync' }).isDisabled());
  await hers.goto(site.url + '/settings/users');
  await hers.getByText('This takes the role admin').waitFor();
  await hers.goto(site.url + '/runs/1/2');
  await hers.getByText('There is nothing at this address').waitFor();
  await hers.locator('.rail-person').click();
  await hers.getByRole('menuitem', { name: 'Sign out' }).click();
  const signIn = async (password) => {
    await hers.getByLabel('E-mail or name').fill('vera@example.com');
    await hers.getByLabel('Password').fill(password);
    await hers.getByRole('button', { name: 'Sign in' }).click();
  };
  await signIn('a wrong one, certainly');
  await hers.getByRole('alert').first().waitFor();
  await site.fine('sign in', hers);
  await signIn('another horse battery');
  await hers.getByRole('navigation', { name: 'Places' }).waitFor();
  await context.close();
});

run();
