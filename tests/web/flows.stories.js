// The ways in and the ways out that the main job does not take: a refused sign-in, tables
// from a list view, a report, a query and a webhook, a table's menu, secrets, tokens,
// the permission set, pictures. One server for all of them.
'use strict';
const http = require('http');
const { story, run, assert } = require('../browser/support');
const { Site } = require('./site');

async function saved(page, act) {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  return { name: download.suggestedFilename(), text: Buffer.concat(chunks).toString() };
}

story('a refused sign-in, and tables from everywhere', async ({ page }) => {
  const site = await Site.open(page);
  const button = (name) => page.getByRole('button', { name, exact: true });
  const grid = () => site.cell(1, 1).filter({ hasText: /\S/ }).waitFor();
  const firstRows = (text) => page.getByRole('region', { name: 'First rows of the source' }).getByRole('row').filter({ hasText: text }).nth(1).waitFor();
  await site.setup();

  // a sign-in that the org refuses: the cause, who must click where, and again
  await site.org.app({ blocked: true });
  await site.connect({ expect: 'refused' });
  await page.waitForURL(/signin=failed/);
  await page.getByRole('alert').getByText(/Connected Apps OAuth Usage/).first().waitFor();
  await site.fine('a refused sign-in');
  await site.org.app({ blocked: false });
  await site.connect({ known: true });

  // list view, report, query: checked against the org, then read
  await site.org.control('POST', '/listviews', { object: 'Account', name: 'Energy', developerName: 'Energy', columns: ['Name', 'Industry'], filters: [{ field: 'Industry', operation: 'equals', value: 'Energy' }] });
  await page.goto(site.url + '/tables/new?source=salesforce_list_view');
  await page.getByLabel('Object *').fill('Account');
  await page.getByLabel('List view *').fill('Energy');
  await firstRows('Energy');
  await page.getByLabel('Name of the table *').fill('energy');
  await site.fine('new table of a list view');
  await button('Make the table and read its rows').click();
  await grid();

  await page.goto(site.url + '/tables/new?source=salesforce_soql');
  await page.getByLabel('Soql *').fill('SELECT Id, Name FROM Account LIMIT');
  await page.getByLabel('Name of the table *').fill('asked');
  await button('Check').click();
  await page.getByRole('alert').first().waitFor();
  await page.getByLabel('Soql *').fill('SELECT Id, Name, Owner.Name FROM Account WHERE Industry != null');
  await page.getByRole('region', { name: 'First rows of the source' }).getByRole('columnheader', { name: /^Owner\.Name/ }).waitFor();
  await button('Check').click();
  await page.getByText('This would be made').waitFor();
  await site.fine('new table of a query');
  await button('Make the table and read its rows').click();
  await grid();

  const { ids: [report] } = await site.org.control('POST', '/reports', { name: 'Big accounts', reportFormat: 'TABULAR', reportType: { type: 'AccountList' }, detailColumns: ['ACCOUNT.NAME', 'ACCOUNT_ID', 'INDUSTRY'], sortBy: [{ sortColumn: 'ACCOUNT_ID', sortOrder: 'Asc' }] });
  await page.goto(site.url + '/tables/new?source=salesforce_report');
  await page.getByLabel('Report *').fill(report);
  await page.getByRole('region', { name: 'First rows of the source' }).getByRole('row').nth(5).waitFor();
  await page.getByLabel('Name of the table *').fill('reported');
  await button('Check').click();
  await page.getByRole('alert').getByText(/unique_by/).first().waitFor(); // a report's rows have no Id of their own
  await page.getByLabel('Rows are told apart by').fill('ACCOUNT_ID');
  await button('Check').click();
  await page.getByText('This would be made').waitFor();
  await site.fine('new table of a report');

  // a webhook: made, its key shown once, a delivery on screen at once
  await page.goto(site.url + '/tables/new?source=webhook');
  await page.getByLabel('Fields *').fill('Email, Source');
  await page.getByLabel('Name of the table *').fill('hooked');
  await button('Make the table').click();
  await button('New key').click();
  await page.getByText('The key is shown only now').waitFor();
  const key = await page.locator('pre.code').nth(1).textContent();
  const address = await page.locator('pre.code').first().textContent();
  const sent = await fetch(address, { method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + key }, body: JSON.stringify([{ Email: 'a@x.example', Source: 'form' }]) });
  assert.strictEqual(sent.status, 202, await sent.text());
  await site.cell(1, 1).filter({ hasText: 'a@x.example' }).waitFor();
  await site.fine('webhook');

  await site.end();
});

// An API that says how often it was asked, so that an answer that was kept can be told from a new one.
async function counter() {
  let asked = 0;
  const server = http.createServer((_, answer) => answer.setHeader('Content-Type', 'application/json').end(JSON.stringify({ asked: ++asked })));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  server.unref();
  return `http://127.0.0.1:${server.address().port}/`;
}

story('answers that are kept are asked for anew when a person says so', async ({ page }) => {
  const site = await Site.open(page);
  await site.setup();
  await site.connect();
  await site.table(`columns:\n  - name: Asked\n    type: number\n    http: { url: "${await counter()}", path: asked, cache: 7d, allow_http: true, allow_private: true }\n`, 'Id');
  await site.settled(await site.ask('POST', '/tables/people/runs', { first: 1 }));
  await page.goto(site.url + '/tables/people');
  const at = Number(await page.locator('.g-name').filter({ hasText: 'Asked' }).getAttribute('aria-colindex')) - 1;
  const says = (text) => site.cell(1, at).filter({ hasText: text }).waitFor();
  await says(/^1$/);
  const again = async (anew) => {
    await page.getByRole('button', { name: 'Run', exact: true }).first().click();
    await page.getByRole('menuitem', { name: /Run again for all/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Asked: no answer that is kept is used again.').waitFor();
    if (anew) await dialog.getByRole('checkbox').check();
    else await site.fine('a run that may ask anew');
    await dialog.getByRole('button', { name: 'Run', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    const { runs } = await site.ask('GET', '/runs?table=people&limit=1');
    return (await site.settled(runs[0])).report;
  };
  assert.strictEqual((await again(false)).http_requests, 0);
  await says(/^1$/);
  assert.strictEqual((await again(true)).http_requests, 1); // equal requests share one answer
  await says(/^2$/);
  await site.end();
});

story('the menu of a table, pictures, and what admins keep', async ({ page }) => {
  const site = await Site.open(page);
  const button = (name) => page.getByRole('button', { name, exact: true });
  await site.setup();
  await site.connect();
  await site.org.control('POST', '/listviews', { object: 'Account', name: 'Energy', developerName: 'Energy', columns: ['Name', 'Industry'], filters: [{ field: 'Industry', operation: 'equals', value: 'Energy' }] });
  const recipe = 'table: energy\nsource:\n  salesforce: { connection: salesforce-test, object: Account, list_view: Energy }\n  every: 24h\nauto_update: false\n';
  await site.ask('POST', '/recipes', { recipe, connection: 'salesforce-test' });
  await site.settled(await site.ask('POST', '/tables/energy/syncs', {}));

  // the table's menu: schedule, columns as a picture, recipe, export
  await page.goto(site.url + '/tables/energy?panel=sources');
  await page.getByLabel('Read every').fill('every now and then');
  await button('Save').click();
  await page.getByRole('alert').first().waitFor();
  await page.getByLabel('Read every').fill('6h');
  await button('Save').click();
  await page.getByText('The schedule is changed.').waitFor();
  await site.fine('schedule');
  const menu = async (entry) => {
    await page.getByRole('button', { name: 'energy', exact: true }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  await menu('Recipe (YAML)…');
  await page.locator('textarea.recipe').filter({ hasText: '' }).waitFor();
  await site.fine('recipe');
  await page.keyboard.press('Escape');
  assert.match((await saved(page, () => menu('Download the recipe'))).text, /list_view: Energy[\s\S]*every: 6h/);
  await menu('Export rows as CSV…');
  const rows = await saved(page, () => button('Export').click());
  assert.match(rows.text, /^row_key,[\s\S]*Energy/);
  await site.fine('export');
  await menu('Columns, and who reads whom…');
  await page.getByText('No column reads another one yet.').waitFor();
  await site.fine('columns as a picture');

  await page.goto(site.url + '/runs');
  await page.getByRole('row', { name: /energy/ }).first().waitFor();
  await site.fine('runs');

  // pictures: what there is to see, and the same as tables
  await page.goto(site.url + '/overview');
  await page.getByRole('row', { name: /energy.*6h/ }).waitFor();
  await site.fine('overview');
  await page.getByRole('tablist', { name: 'Show outcomes as' }).getByRole('tab', { name: 'Table' }).click();
  await page.getByRole('columnheader', { name: 'interrupted' }).waitFor();
  await page.goto(site.url + '/settings/budget');
  await page.getByText('Budget of Argil').waitFor();
  await site.fine('budget');
  await page.goto(site.url + '/settings/alerts');
  await page.getByText('Nothing to tell').waitFor();
  await button('Send a test').click();
  await page.getByText('no way to send alerts is set up').waitFor();
  await page.getByLabel('Webhook', { exact: true }).fill('https://127.0.0.1:9/hook'); // nobody listens
  await page.getByLabel('The webhook may be at a private address').check();
  await button('Save').click();
  await page.getByText('Alerts go there from now on.').waitFor();
  await button('Send a test').click();
  await page.getByRole('button', { name: 'Seen' }).first().click();
  await page.getByText('seen by ann@example.com').waitFor();
  await site.fine('alerts');

  // what the connection needs, as a permission set
  await page.goto(site.url + '/settings/connections/salesforce-test');
  const permissions = await saved(page, () => button('Permission set').click());
  assert.match(permissions.text, /<PermissionSet[\s\S]*<object>Account<\/object>/);

  // secrets cannot be read back; tokens are shown once and can be ended
  await page.goto(site.url + '/settings/secrets');
  await button('Secret').click();
  await page.getByLabel('Name', { exact: true }).fill('companies_api');
  await page.getByLabel('Value', { exact: true }).fill('s3cret');
  await site.fine('new secret');
  await button('Store').click();
  await page.getByText('{{secret:companies_api}}').waitFor();
  assert(!(await page.content()).includes('s3cret'));
  await button('Delete…').click();
  await button('Delete').click();
  await page.getByText('No secrets yet').waitFor();
  await site.fine('secrets');
  await page.goto(site.url + '/settings/account');
  await button('Token').click();
  await page.getByLabel('What it is for').fill('nightly');
  await site.fine('new token');
  await button('Make it').click();
  await page.getByText('It is shown only now.').waitFor();
  const token = await page.getByRole('dialog').locator('pre').textContent();
  const asked = await fetch(site.url + '/api/v1/session', { headers: { Authorization: 'Bearer ' + token } });
  assert.strictEqual((await asked.json()).person.role, 'viewer');
  await site.fine('a token');
  await button('Done').click();
  await page.getByRole('row', { name: /nightly/ }).getByRole('button', { name: 'Delete' }).click();
  await page.getByText('The token is gone.').waitFor();
  await site.end();
});

story('columns are offered while a formula is typed, and a picture shows who reads whom', async ({ page }) => {
  const site = await Site.open(page);
  const button = (name) => page.getByRole('button', { name, exact: true });
  await site.setup();
  await site.connect();
  await site.table();
  await page.goto(site.url + '/tables/people');
  await site.cell(1, 2).filter({ hasText: /\S/ }).waitFor();
  await button('Column').click();
  await page.getByRole('button', { name: /Formula/ }).click();
  await page.getByLabel('Name *').fill('Shout');
  const formula = page.getByLabel('Formula *');
  await formula.pressSequentially('{{la');
  const offered = page.getByRole('listbox', { name: 'Columns' });
  await offered.getByRole('option', { name: /^LastName/ }).waitFor();
  await offered.getByRole('option').nth(1).waitFor({ state: 'detached' }); // of all that it offered for {{ alone
  await site.fine('columns that are offered');
  await formula.press('Enter');
  await formula.pressSequentially('.toUpperCase()');
  assert.strictEqual(await formula.inputValue(), '{{LastName}}.toUpperCase()');
  await page.locator('.preview-row').filter({ hasText: /[A-Z]{3}/ }).first().waitFor();
  await button("Add, don't run").click();
  await page.getByText('Shout is there; nothing has run.').waitFor();
  await page.goto(site.url + '/tables/people');
  await button('people').click();
  await page.getByRole('menuitem', { name: 'Columns, and who reads whom…' }).click();
  await page.getByRole('img', { name: /Shout reads LastName/ }).waitFor();
  assert.strictEqual(await page.locator('.graph-edge').count(), 1);
  await site.fine('who reads whom');
  await site.end();
});

story('columns are moved, pinned, hidden and made wider, and stay so', async ({ page }) => {
  const site = await Site.open(page);
  await site.setup();
  await site.connect();
  await site.table();
  await page.goto(site.url + '/tables/people');
  await site.cell(1, 2).filter({ hasText: /\S/ }).waitFor();
  const heads = () => page.locator('.g-name').evaluateAll((all) => all.map((one) => [Number(one.getAttribute('aria-colindex')), /Id|LastName|Email|Title/.exec(one.textContent)[0]]).sort((a, b) => a[0] - b[0]).map((one) => one[1]).join());
  const until = async (what, holds) => {
    for (const end = Date.now() + 30000; !await holds(); await page.waitForTimeout(20)) assert(Date.now() < end, what);
  };
  const stand = (order) => until(`not in the order ${order}`, async () => await heads() === order);
  const head = (name) => page.locator('.g-name').filter({ hasText: name });
  const choose = async (name, entry) => {
    await head(name).getByRole('button', { name: `Menu of ${name}` }).click();
    await page.getByRole('menuitem', { name: entry, exact: true }).click();
  };
  await stand('Id,LastName,Email,Title');
  await choose('Email', 'Move left');
  await stand('Id,Email,LastName,Title');
  await choose('Title', 'Pin to the left'); // behind the first, which is pinned from the start
  await stand('Id,Title,Email,LastName');
  await choose('LastName', 'Hide');
  await stand('Id,Title,Email');
  const before = (await head('Email').boundingBox()).width;
  const grip = await head('Email').locator('.g-grip').boundingBox();
  await page.mouse.move(grip.x + grip.width / 2, grip.y + grip.height / 2);
  await page.mouse.down();
  await page.mouse.move(grip.x + 80, grip.y + grip.height / 2, { steps: 5 });
  await page.mouse.up();
  const wider = async () => (await head('Email').boundingBox()).width > before + 40;
  await until('the column is not wider', wider);
  await site.fine('columns in another order');
  await page.reload();
  await site.cell(1, 2).filter({ hasText: /\S/ }).waitFor();
  await stand('Id,Title,Email');
  await until('the column is not wider any more', wider);
  await site.end();
});

// What the browser counts as jumping (Layout Instability), of a page from its first paint on.
const jumped = (page) => page.evaluate(() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value; }).observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => done(sum), 500);
}));

story('nothing jumps while screens fill', async ({ page }) => {
  const site = await Site.open(page);
  await site.setup();
  await site.connect();
  await site.table();
  for (const [width, place] of [1280, 1920].flatMap((one) => ['/tables/people', '/tables', '/runs', '/overview', '/journal'].map((where) => [one, where]))) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(site.url + place);
    await site.drawn();
    if (place === '/tables/people') await site.cell(1, 2).filter({ hasText: /\S/ }).waitFor();
    const sum = await jumped(page);
    assert(sum < 0.1, `${place} at ${width} px: what is on screen jumped by ${sum}`); // "good" for Web Vitals
    assert(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${place} at ${width} px is wider than the window`);
  }
  await site.end();
});

story('at 200 % zoom everything is reachable', async ({ page }) => {
  const site = await Site.open(page);
  await site.setup();
  await site.connect();
  await site.table('columns:\n  - { name: Loud, formula: "{{LastName}}.toUpperCase()" }\n', 'Id, LastName');
  await page.setViewportSize({ width: 640, height: 360 }); // 1,280 x 720 at 200 %
  const fits = async (where) => {
    const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert(wide <= screen, `${where}: ${wide} px in a window of ${screen}`);
  };
  const places = { tables: 'people', overview: 'How fresh', runs: 'Asked by', approvals: 'Nothing waits', doubt: 'Nothing waits', journal: 'No writes yet', 'settings/contract': 'has no contract', 'settings/alerts': 'Nothing to tell', 'settings/connections/salesforce-test': 'refresh_token' };
  for (const [place, says] of Object.entries(places)) {
    await page.goto(`${site.url}/${place}`);
    await page.getByText(says).first().waitFor();
    await fits(place);
  }
  const table = await site.ask('GET', '/tables/people');
  const column = table.columns.find((one) => one.name === 'Loud').id;
  await page.goto(`${site.url}/tables/people?panel=column:${column}`);
  await page.getByLabel('Formula *').waitFor();
  await fits('a panel');
  const panel = await page.locator('.panel').boundingBox();
  assert(panel.width >= 560, `a panel is a sheet: ${panel.width} px`);
  await site.fine('a panel at 200 %');
  await page.keyboard.press('Escape');
  await page.locator('.panel').waitFor({ state: 'detached' });
  await site.end();
});

run();
