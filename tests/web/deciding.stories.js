// What people decide: a plan edited, approved and applied as it stands; a run undone; the
// field contract; a write in doubt; and why a record holds what it holds.
'use strict';
const { story, run, assert } = require('../browser/support');
const { Site } = require('./site');

const WRITER = `columns:
  - name: Write
    salesforce_update: { connection: salesforce-test, object: Contact, id: "{{Id}}", set: { Department: "{{LastName}}!" } }
  - name: Task
    salesforce_create: { connection: salesforce-test, object: Task, set: { Subject: "Call {{LastName}}", WhoId: "{{Id}}" } }
`;

async function departments(site) {
  const soql = "SELECT Id, Department FROM Contact WHERE Department != null ORDER BY Id";
  const { records } = await site.org.call('GET', '/services/data/v66.0/query?q=' + encodeURIComponent(soql));
  return Object.fromEntries(records.map((one) => [one.Id, one.Department]));
}

async function ready(page) {
  const site = await Site.open(page);
  await site.setup();
  await site.connect();
  await site.table(WRITER, 'Id, LastName, Department');
  return site;
}

story('a plan is edited, approved, applied as it stands, and undone', async ({ page }) => {
  const site = await ready(page);
  const button = (name) => page.getByRole('button', { name, exact: true });
  const first = await departments(site);
  const plan = await site.ask('POST', '/tables/people/plans', { column: 'Write', first: 4 });
  await page.goto(`${site.url}/tables/people?panel=plan:${plan.id}`);
  const lines = page.getByRole('list', { name: 'Planned writes' }).getByRole('listitem');
  await lines.nth(3).waitFor();
  assert.strictEqual(await lines.count(), 4);
  await lines.nth(0).getByRole('button', { name: /^Edit Department/ }).click();
  await page.getByLabel('Department', { exact: true }).fill('Edited by hand');
  await site.fine('edit a planned write');
  await button('Change').click();
  await lines.nth(0).filter({ hasText: 'Edited by hand' }).waitFor();
  await lines.nth(1).getByRole('button', { name: /^Take/ }).click();
  assert(await button('Take out').isDisabled(), 'a reason is wanted');
  await page.getByLabel('Why *').fill('a partner');
  await button('Take out').click();
  await lines.nth(1).filter({ hasText: 'taken out: a partner' }).waitFor();
  await lines.nth(2).getByRole('button', { name: /^Take/ }).click();
  await page.getByLabel('Why *').fill('not sure');
  await button('Take out').click();
  await lines.nth(2).getByRole('button', { name: /back$/ }).click();
  await lines.nth(2).locator('ins').waitFor();
  await site.fine('plan');

  // it waits for whoever may decide
  await page.getByRole('link', { name: 'Approvals 1' }).click();
  await site.fine('approvals');
  await page.getByRole('link', { name: /^Plan/ }).click();
  await page.getByText('1 taken out').waitFor();
  await site.fine('a plan to decide on');
  await button('Approve 3 writes to local org').click();
  await page.getByText('records updated').waitFor();
  const now = await departments(site);
  assert.strictEqual(Object.keys(now).filter((id) => now[id] !== first[id]).length, 3);
  assert(Object.values(now).includes('Edited by hand'));
  await page.getByRole('link', { name: 'Its plan' }).click();
  await page.getByText('applied by').waitFor();
  await page.goBack();

  // and taken back: what somebody changed since stays theirs
  const theirs = Object.keys(now).find((id) => now[id] === 'Edited by hand');
  await site.org.call('PATCH', '/services/data/v66.0/sobjects/Contact/' + theirs, { Department: 'Theirs' });
  await button('Undo…').click();
  await page.getByText('Leave: changed since').waitFor();
  await site.fine('undo');
  await page.getByRole('button', { name: /^Undo 2 writes in/ }).click();
  await page.getByRole('heading', { name: /^Undo \d+$/ }).waitFor();
  await page.getByText('records updated').waitFor();
  assert.deepStrictEqual(await departments(site), { ...first, [theirs]: 'Theirs' });

  // why does it hold that?
  await page.keyboard.press('Control+k');
  await page.locator('.jump-input').fill(theirs);
  await page.getByRole('option', { name: /Salesforce record/ }).click();
  await page.getByText('Edited by hand').first().waitFor();
  await page.getByLabel('Only this field').fill('Department');
  await button('Ask Salesforce what it holds now').click();
  await page.getByText('It is not what Argil wrote last: it was changed since.').waitFor();
  await site.fine('why');

  // another one is rejected, with a reason
  const second = await site.ask('POST', '/tables/people/plans', { column: 'Write', first: 2 });
  await page.goto(`${site.url}/tables/people?panel=plan:${second.id}`);
  await button('Reject…').click();
  await page.getByLabel('Why *').fill('not now');
  await button('Reject').click();
  await page.getByText('rejected by').waitFor();
  await page.goto(site.url + '/approvals');
  await page.getByText('Nothing waits for you').waitFor();
  await site.fine('no approvals');
  await site.end();
});

story('the field contract is written, checked, kept in versions and obeyed', async ({ page }) => {
  const site = await ready(page);
  const button = (name) => page.getByRole('button', { name, exact: true });
  await page.goto(site.url + '/settings/contract');
  await page.getByText('has no contract').waitFor();
  await site.fine('no contract');
  await button('Write one').click();
  await button('Field').click();
  await page.getByLabel('Field of row 1').fill('Contact.Departmnt');
  await page.getByLabel('Rule of Contact.Departmnt').selectOption('never');
  await button('Save…').click();
  await page.getByText(/Did you mean Contact.Department/).first().waitFor(); // checked against the org
  await site.fine('a contract that is refused');
  await button('Cancel').click();
  await page.getByLabel('Field of row 1').fill('Contact.Department');
  await page.getByLabel('ticket of Contact.Department').fill('OPS-1');
  await button('Save…').click();
  await page.getByLabel('Ticket', { exact: true }).fill('OPS-1');
  await site.fine('changing the contract');
  await button('Store as the next version').click();
  await page.getByText('Version 1, 1 field').waitFor();
  await site.fine('contract');
  await page.getByRole('tab', { name: 'Who writes what' }).click();
  await page.getByRole('row', { name: /Contact.Department/ }).filter({ hasText: 'people.Write' }).waitFor();
  await site.fine('contract report');
  const refused = await site.settled(await site.ask('POST', '/tables/people/runs', { column: 'Write', approve: true }));
  assert.match(refused.error, /its rule is never/);

  await page.getByRole('tab', { name: 'Fields' }).click();
  await page.getByLabel('Rule of Contact.Department').selectOption('always');
  await button('Save…').click();
  await button('Store as the next version').click();
  await page.getByText('Version 2, 1 field').waitFor();
  await page.getByRole('tab', { name: 'Versions' }).click();
  await button('Version 1').click();
  await page.locator('pre').filter({ hasText: 'never' }).waitFor();
  await site.fine('contract versions');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('tab', { name: 'Fields' }).click().then(() => page.getByRole('link', { name: 'Download as a sheet' }).click()),
  ]);
  assert.match(download.suggestedFilename(), /contract\.csv$/);
  await site.end();
});

story('a write in doubt is a card with its answers', async ({ page }) => {
  const site = await ready(page);
  const button = (name) => page.getByRole('button', { name, exact: true });
  const lose = () => site.org.control('POST', '/faults', { name: 'lost', method: 'POST', path: '/sobjects/Task', effect: 'drop_before', times: 1 });
  await lose();
  await site.settled(await site.ask('POST', '/tables/people/runs', { column: 'Task', approve: true, first: 1 }));
  await page.goto(site.url + '/tables');
  await page.getByRole('link', { name: 'In doubt 1' }).click();
  await button('Check again').click();
  await page.getByText('No record that may be it was found').waitFor();
  await site.fine('in doubt');
  await button('Send again…').click();
  assert(await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).isDisabled(), 'a reason is wanted');
  await site.fine('send again');
  await button('Cancel').click();
  await button('Ask me later…').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Ask me later' }).click();
  await page.getByRole('button', { name: '1 put off: show' }).click();
  const [operation] = (await site.ask('GET', '/journal?state=in+doubt')).operations;
  const made = await site.org.call('POST', '/services/data/v66.0/sobjects/Task', operation.values);
  await button('Check again').click();
  await page.getByRole('list', { name: 'Records that may be it' }).getByText(made.id, { exact: true }).waitFor();
  await button('This is it').click();
  await page.getByRole('dialog').getByRole('button', { name: 'It exists' }).click();
  await page.getByText('Nothing waits for you').waitFor();
  assert.strictEqual((await site.ask('GET', `/journal/${operation.id}`)).record_id, made.id);

  await lose();
  await site.settled(await site.ask('POST', '/tables/people/runs', { column: 'Task', row_ids: [2], rows: 'all' }));
  await button('It was not made').click();
  await page.getByRole('dialog').getByRole('button', { name: 'It was not made' }).click();
  await page.getByText('Nothing waits for you').waitFor();
  await lose();
  await site.settled(await site.ask('POST', '/tables/people/runs', { column: 'Task', row_ids: [3], rows: 'all' }));
  await button('Send again…').click();
  await page.getByLabel('Why *').fill('the log of the org has nothing');
  await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click();
  await page.getByText('Nothing waits for you').waitFor();
  await site.end();
});

run();
