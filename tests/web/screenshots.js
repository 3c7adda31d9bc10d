// screenshots.js - pictures of the main screens for the docs: ./dev screenshots
//
// The demo's own tables over localorg, after a run, so that the cells have something to say.
'use strict';
const fs = require('fs');
const path = require('path');
const { story, run } = require('../browser/support');
const { Site } = require('./site');

const ROOT = process.env.ARGIL_ROOT;
const OUT = path.join(ROOT, 'docs/images');

async function tables(site) {
  for (const name of ['accounts', 'contacts']) {
    const recipe = fs.readFileSync(path.join(ROOT, `examples/${name}.yaml`), 'utf8').replaceAll('http://127.0.0.1:8460', site.org.url)
      .replaceAll('connection: demo', 'connection: salesforce-test');
    await site.ask('POST', '/recipes', { recipe, connection: 'salesforce-test' });
    await site.settled(await site.ask('POST', `/tables/${name}/syncs`, {}));
  }
}

async function shoot(site, name, address, ready, theme = 'light', prepare = async () => {}) {
  await site.page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
  await site.page.goto(site.url + address);
  await site.page.locator(ready).first().waitFor();
  await prepare(site.page);
  await site.page.screenshot({ path: path.join(OUT, `web-${name}.png`) });
  console.log(`docs/images/web-${name}.png`);
}

story('pictures', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 860 });
  const site = await Site.open(page);
  site.fine = async () => {};
  await site.setup();
  await site.connect();
  await tables(site);
  await site.settled(await site.ask('POST', '/tables/accounts/runs', { column: 'Domain', rows: 'due' }));
  await site.settled(await site.ask('POST', '/tables/accounts/runs', { column: 'Company', rows: 'due' }));
  const wanted = await site.settled(await site.ask('POST', '/tables/accounts/plans', { column: 'Write back', rows: 'due' }));
  const pause = (ms) => page.waitForTimeout(ms);
  await shoot(site, 'approvals', '/approvals/1', '.plan-line ins', 'light', () => pause(600));
  await shoot(site, 'plan', `/tables/accounts?panel=plan:${wanted.id}`, '.plan-line ins', 'light', () => pause(600));
  await site.settled(await site.ask('POST', '/tables/accounts/runs', { approve: true }));
  const { rows } = await site.ask('GET', '/tables/accounts/window?limit=200&filter=' + encodeURIComponent('Write back state ok'));
  const columns = (await site.ask('GET', '/tables/accounts')).columns;
  const id = (name) => columns.find((column) => column.name === name).id;
  await shoot(site, 'grid', '/tables/accounts', '.g-foot .g-progress', 'light', async () => {
    for (const name of ['Id', 'BillingCity']) await page.evaluate((column) => {
      const key = Object.keys(localStorage).find((one) => one.startsWith('argil.columns.'));
      const kept = JSON.parse(localStorage.getItem(key));
      kept.visibility[column] = false;
      localStorage.setItem(key, JSON.stringify(kept));
    }, String(id(name)));
    await page.reload();
    await page.locator('.g-foot .g-progress').first().waitFor();
    await pause(1200);
  });
  await shoot(site, 'cell', `/tables/accounts?panel=cell:${rows[0].id}:${id('Company')}`, '.tree-leaf', 'dark', () => pause(1000));
  await shoot(site, 'column', `/tables/accounts?panel=column:${id('Write back')}`, '.preview-row', 'light', () => pause(1500));
  await site.ask('PUT', '/connections/salesforce-test/contract', { ticket: 'OPS-112', note: 'first', text: 'connection: salesforce-test\ndefault: deny\napprove_above: 500\nfields:\n  - { field: Account.Industry, rule: if_blank, ticket: OPS-112 }\n  - { field: Account.NumberOfEmployees, rule: if_ours, ticket: OPS-130 }\n  - { field: Lead.Phone, status: pending, when: contactable, sensitivity: personal }\nguards: { contactable: "HasOptedOutOfEmail = false" }\n' });
  await shoot(site, 'contract', '/settings/contract', '.contract-grid tbody tr', 'light', () => pause(400));
  await shoot(site, 'overview', '/overview', '.fresh tbody tr', 'dark', () => pause(600));
  await shoot(site, 'graph', '/tables/accounts?panel=graph', '.graph-node', 'light', () => pause(600));
  await shoot(site, 'connection', '/settings/connections/salesforce-test', '.facts', 'light', async () => {
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.locator('.finding').first().waitFor();
    await page.getByRole('button', { name: 'Check again' }).waitFor();
  });
  await shoot(site, 'journal', '/journal', '.operation', 'light', () => pause(400));
});

run();
