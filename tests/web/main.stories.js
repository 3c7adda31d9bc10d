// The main job through the browser alone: from the printed link to records that were
// changed in Salesforce, each screen checked on the way.
'use strict';
const { story, run, assert } = require('../browser/support');
const { Site } = require('./site');

async function choose(page, opener, entry) {
  await opener.click();
  await page.getByRole('menuitem', { name: entry }).click();
}

story('from the printed link to changed records', async ({ page }) => {
  const site = await Site.open(page);
  const button = (name) => page.getByRole('button', { name, exact: true });
  await site.setup();
  await site.fine('welcome');
  await page.getByRole('link', { name: 'Tables' }).click();
  await page.getByText('Connect Salesforce first').waitFor();
  await site.fine('no tables');

  // connect, look at what was granted, ask the doctor
  await site.connect();
  await page.getByText('refresh_token ✓').waitFor();
  await button('Check').click();
  await page.getByText('Check again').waitFor();
  assert((await page.locator('.finding.pass').count()) >= 5, 'the doctor checked things');
  assert.strictEqual(await page.locator('.finding.fail').count(), 0);
  await page.getByRole('button', { name: '▸ Account', exact: false }).first().click();
  await site.fine('connection');

  // a table of Contacts by the form
  await page.goto(site.url + '/tables/new');
  await site.fine('choose a source');
  await page.getByRole('button', { name: /Records of a Salesforce object/ }).click();
  await page.getByLabel('Object *').fill('Contact');
  await page.getByRole('button', { name: 'The usual' }).click();
  await page.getByRole('region', { name: 'First rows of the source' }).getByRole('row').nth(20).waitFor(); // nothing is made yet
  await page.getByLabel('Name of the table *').fill('people');
  await button('Check').click();
  await page.getByText('This would be made').waitFor();
  await site.fine('new table');
  await button('Make the table and read its rows').click();
  await page.getByRole('grid').waitFor();
  await site.cell(1, 2).filter({ hasText: /\S/ }).waitFor();
  assert.match(await page.locator('.band').textContent(), /LOCAL ORG/);
  await page.getByText('Auto-update off').first().waitFor();

  // a formula column: preview before it is there, live cells when it runs
  await button('Column').click();
  await site.fine('choose a column');
  await page.getByRole('button', { name: /Formula/ }).click();
  await page.getByLabel('Name *').fill('Shout');
  await page.getByLabel('Formula *').fill("({{LastName}} || '').toUpperCase() + '!'");
  await page.locator('.preview-row').filter({ hasText: /[A-Z]!/ }).first().waitFor();
  await site.fine('new column');
  await button("Add, don't run").click();
  await page.getByText('Shout is there; nothing has run.').waitFor();
  const head = page.locator('.g-name').filter({ hasText: 'Shout' });
  const at = Number(await head.getAttribute('aria-colindex')) - 1;
  await choose(page, head.getByRole('button', { name: 'Menu of Shout' }), /^Run [1-9][\d,]* empty/);
  await site.cell(1, at).filter({ hasText: /[A-Z]!$/ }).waitFor(); // by the event stream: nothing was reloaded
  await page.locator('.g-foot').getByText('100 %').waitFor();
  await site.fine('grid');

  // a column that writes: mapped with describe's facts, planned, approved, written
  await button('Column').click();
  await page.getByRole('button', { name: /Update/ }).click();
  await page.getByLabel('Name *').fill('Write back');
  await page.getByLabel('Object *').fill('Contact');
  await page.getByLabel('Id', { exact: true }).fill('{{Id}}');
  await page.getByLabel('Add a field to Set *').selectOption('Department');
  await page.getByLabel('Value of Department').fill('{{Shout}}');
  await page.locator('.preview-row ins').first().waitFor();
  await site.fine('mapping');
  await button("Add, don't run").click();
  const writer = page.locator('.g-name').filter({ hasText: 'Write back' });
  await choose(page, writer.getByRole('button', { name: 'Menu of Write back' }), /^Run [1-9][\d,]* empty/);
  await page.getByText('Its first write wants your approval').waitFor();
  await site.fine('run dialog');
  await button('See what it would write').click();
  await page.locator('.plan-line ins').first().waitFor();
  await site.fine('plan');
  assert.strictEqual((await site.org.call('GET', '/services/data/v66.0/query?q=' + encodeURIComponent("SELECT COUNT() FROM Contact WHERE Department LIKE '%!'"))).totalSize, 0, 'a plan writes nothing');
  await page.getByRole('button', { name: /^Approve .* writes? to local org/ }).click();
  await page.getByText('records updated').waitFor();
  await site.fine('run');
  const written = (await site.org.call('GET', '/services/data/v66.0/query?q=' + encodeURIComponent("SELECT COUNT() FROM Contact WHERE Department LIKE '%!'"))).totalSize;
  assert(written > 10, `${written} records were changed`);

  // the journal tells it, with old and new
  await page.getByRole('link', { name: 'What it wrote' }).click();
  await page.locator('.operation ins').first().waitFor();
  await site.fine('journal');

  // auto-update, where the document says: the table's name in the top bar
  await page.goto(site.url + '/tables/people');
  await choose(page, page.getByRole('button', { name: 'people' }), 'Enable auto-update');
  await site.fine('auto-update');
  await page.getByRole('button', { name: /^(Enable|Run )/ }).last().click();
  await page.getByText('Auto-update on').first().waitFor();
  await choose(page, page.getByRole('button', { name: 'people' }), 'Disable auto-update');
  await page.getByText('Auto-update off').first().waitFor();
  await site.end();
});

run();
