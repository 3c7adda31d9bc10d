// What holds writes back: the lock of a table built on a Test Env, a canary, quiet hours, a
// write mode that promises less, a workspace that was put back from a copy.
'use strict';
const fs = require('fs');
const path = require('path');
const { story, run, assert } = require('../browser/support');
const { Site } = require('./site');

function recipe(connection, guard = '') {
  return `table: built\nsource:\n  salesforce: { connection: ${connection}, object: Contact, fields: [Id, LastName] }\n` +
    `auto_update: false\ncolumns:\n  - name: Write\n    salesforce_update: { connection: ${connection}, object: Contact, id: "{{Id}}", set: { Department: "{{LastName}}!" } }\n` +
    `  - name: Case\n    salesforce_create: { connection: ${connection}, object: Case, set: { Subject: "Call {{LastName}}" } }\n${guard}`;
}

function around(hours) {
  const at = new Date(Date.now() + hours * 3600 * 1000);
  return `${String(at.getUTCHours()).padStart(2, '0')}:${String(at.getUTCMinutes()).padStart(2, '0')}`;
}

story('a lock, a canary, quiet hours, a seal and a hold say what waits and let it go', async ({ page }) => {
  const site = await Site.open(page);
  const button = (name) => page.getByRole('button', { name, exact: true });
  const { w, org } = site;
  const port = new URL(site.url).port;
  const again = async (act) => { // what only the command line does
    await site.program.stop();
    await act();
    await site.serve(port);
  };
  await site.setup();
  await site.connect();
  const apply = (text) => site.ask('POST', '/recipes', { recipe: text, connection: 'salesforce-test' });

  // built on a sandbox, then pointed elsewhere: locked until somebody types the org's name
  const token = path.join(w.home, 'token');
  fs.writeFileSync(token, org.ready.access_token, { mode: 0o600 });
  await org.policy({ sandbox: true });
  await again(() => w.run('connect', 'try', '--url', org.url, '--sandbox', '--access-token-file', token));
  await page.goto(site.url + '/tables');
  await apply(recipe('try'));
  await org.policy({ sandbox: false });
  const quiet = `guard:\n  canary: { rows: 2, above: 5 }\n  quiet_hours: { from: "${around(-2)}", to: "${around(2)}", zone: UTC }\n`;
  await apply(recipe('salesforce-test', quiet));
  await site.settled(await site.ask('POST', '/tables/built/syncs', {}));
  await page.goto(site.url + '/tables/built');
  await page.getByText('This table was built on a Test Env').waitFor();
  await site.fine('a locked table');
  const refused = await site.settled(await site.ask('POST', '/tables/built/runs', { column: 'Write', approve: true }));
  assert.match(refused.error, /built on a Test Env/);
  await button('Unlock…').click();
  assert(await button('Unlock').isDisabled(), 'the name of the org is wanted');
  const label = page.getByLabel(/^Type .* to say that you mean it$/);
  const name = /^Type (.*) to say/.exec(await page.getByRole('dialog').locator('label').textContent())[1];
  await label.fill(name);
  await site.fine('unlock');
  await button('Unlock').click();
  await page.getByText('This table was built on a Test Env').waitFor({ state: 'detached' });

  // a large run writes its first records, and waits for a look at them
  const first = await site.settled(await site.ask('POST', '/tables/built/runs', { column: 'Write', approve: true }));
  assert.strictEqual(first.report.updated, 2, JSON.stringify(first.report));
  await page.getByText('the first 2 records were written').waitFor();
  await site.fine('a canary');
  await page.goto(`${site.url}/runs/${first.id}`);
  await page.getByText(/these are quiet hours/).waitFor(); // a person asked, so it went
  await site.fine('a run in quiet hours');
  await page.goto(site.url + '/tables/built?panel=sources');
  await page.getByText(/^Quiet hours \d\d:\d\d to \d\d:\d\d UTC\.$/).waitFor();
  await site.fine('quiet hours');
  await button('They are right: go on').click();
  await page.getByText('Approved: the next run writes the rest.').waitFor();
  await page.getByText('the first 2 records were written').waitFor({ state: 'detached' });
  const rest = await site.settled(await site.ask('POST', '/tables/built/runs', { column: 'Write', rows: 'due' }));
  assert(rest.report.updated > 5, JSON.stringify(rest.report));

  // how sure new records are, and the surest way
  const table = await site.ask('GET', '/tables/built');
  const opened = table.columns.find((one) => one.name === 'Case').id;
  await page.goto(`${site.url}/tables/built?panel=column:${opened}`);
  const mode = page.getByRole('region', { name: 'Write mode' });
  await mode.getByText(/^Write mode: findable/).waitFor();
  await site.fine('write mode');
  await button('Seal new Case records…').click();
  await button('See what it would make').click();
  await page.getByRole('dialog').getByText(/Argil_Key__c/).first().waitFor();
  await site.fine('seal');
  await button('Seal').click();
  await page.getByText('New Case records are sealed.').waitFor();
  await mode.getByText(/^Write mode: sealed/).waitFor();
  await mode.getByText('Argil_Key__c').waitFor();

  // put back from a copy: nothing is written until an admin says so
  await again(() => w.run('store', 'hold', '--reason', 'put back from a copy'));
  await page.goto(site.url + '/tables/built');
  await page.getByText(/nothing is written through salesforce-test/).waitFor();
  await site.fine('a held table');
  await page.getByRole('link', { name: 'What was found' }).click();
  await page.getByText('put back from a copy').waitFor();
  await site.fine('a held connection');
  await button('Let it write again…').click();
  await site.fine('release');
  await button('Let it write').click();
  const password = page.getByLabel('Password');
  await password.or(page.getByText('salesforce-test writes again.')).first().waitFor();
  if (await password.count()) { // asked again only when it was given long ago
    await password.fill('correct horse battery');
    await button('Continue').click();
  }
  await page.getByText('salesforce-test writes again.').waitFor();
  await page.getByText('Nothing is written through this connection').waitFor({ state: 'detached' });
  await site.end();
});

run();
