// What a table keeps: one row for each value, its versions, the history of its values.
'use strict';
const fs = require('fs');
const path = require('path');
const { story, run, assert } = require('../browser/support');
const { Site } = require('./site');

const PEOPLE = ['Name,Email', 'Ann,ann@x.example', 'ANN,ANN@X.example', 'Bob,bob@x.example', 'Nobody,', 'Annie," ann@x.example "'];

story('rows that are the same become one, versions are compared and restored, values have a history', async ({ page }) => {
  const site = await Site.open(page);
  const button = (name) => page.getByRole('button', { name, exact: true });
  const menu = async (entry) => {
    await page.getByRole('button', { name: 'people', exact: true }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  const rows = (text) => page.getByText(text, { exact: true }).first().waitFor();
  await site.setup();
  const file = path.join(site.w.home, 'people.csv');
  fs.writeFileSync(file, PEOPLE.join('\n') + '\n');
  await page.goto(site.url + '/tables/new?source=csv');
  await page.getByLabel('CSV file *').setInputFiles(file);
  await page.getByRole('heading', { name: 'First rows' }).waitFor();
  await button('Import the file').click();
  await rows('5 rows');

  // what it would merge is seen before it holds
  await menu('Auto-dedupe…');
  await page.getByLabel('One row for each').selectOption('Email');
  await page.getByText('No two of 5 rows are the same.').or(page.getByText('would be merged')).first().waitFor();
  await page.getByLabel('Compared as').selectOption('email');
  await page.getByText('2 rows of 5 would be merged into others.').waitFor();
  await page.locator('.panel').getByRole('row', { name: /ann@x\.example/ }).waitFor();
  await page.getByText('1 row has none and stays').waitFor();
  await site.fine('auto-dedupe');
  await button('Turn on').click();
  await page.getByText('2 rows are merged').waitFor();
  await rows('3 rows');
  await site.cell(1, 1).filter({ hasText: /^Ann$/ }).waitFor(); // the oldest stays
  await button('Restore').first().click();
  await page.getByText('1 row is back.').waitFor();
  await rows('4 rows');
  await button('Turn off').click();
  await page.getByText('Auto-dedupe is off.').waitFor();
  await page.keyboard.press('Escape');

  // each change is a version: compared line by line, and restored
  await menu('Versions…');
  await page.getByRole('button', { name: /^Version \d+, now$/ }).waitFor();
  const versions = page.locator('.versions > li');
  assert.strictEqual(await versions.count(), 3, 'made, rule on, rule off');
  await button('Version 2').click();
  await page.getByRole('region', { name: 'What changed since' }).locator('del').filter({ hasText: 'auto_dedupe' }).waitFor();
  await site.fine('versions');
  await button('Restore version 2…').click();
  await button('See what would change').click();
  await page.getByRole('dialog').getByRole('listitem').first().waitFor();
  await site.fine('restore a version');
  await button('Restore').last().click();
  await page.getByText('people is what it was at version 2.').waitFor();
  await page.getByText('version 2 restored').waitFor();
  await page.keyboard.press('Escape');
  await menu('Auto-dedupe…');
  await page.getByText('people: one row for each Email').waitFor();
  await page.keyboard.press('Escape');

  // history: off until somebody wants it, then of cells and rows
  await site.cell(1, 1).dblclick();
  await page.getByRole('tab', { name: 'History' }).click();
  await button('Keep it for 30 days').click();
  await page.getByText('Nothing has changed since it is kept.').waitFor();
  const recipe = (await site.ask('GET', '/tables/people/recipe')).recipe;
  assert.match(recipe, /history: 30d/);
  await page.keyboard.press('Escape');
  const column = { name: 'Loud', formula: '{{Name}}.toUpperCase() + "!"' };
  await site.ask('POST', '/recipes', { recipe: `${recipe.trimEnd()}\ncolumns:\n  - ${JSON.stringify(column)}\n`, connection: undefined });
  await site.settled(await site.ask('POST', '/tables/people/runs', { column: 'Loud', rows: 'all' }));
  await page.reload();
  await site.cell(1, 1).filter({ hasText: 'Ann' }).waitFor();
  const loud = Number(await page.locator('.g-name').filter({ hasText: 'Loud' }).getAttribute('aria-colindex')) - 1;
  await site.cell(1, loud).filter({ hasText: 'ANN!' }).dblclick();
  await page.getByRole('tab', { name: 'History' }).click();
  await page.locator('.why ins').filter({ hasText: 'ANN!' }).waitFor();
  await site.fine('history of a cell');
  await button('Whole row').click();
  await page.getByRole('tab', { name: 'History' }).click();
  await page.locator('.why li').filter({ hasText: 'Loud: (blank) → ANN!' }).waitFor();
  await site.fine('history of a row');
  await site.end();
});

run();
