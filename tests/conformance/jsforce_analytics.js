// jsforce's analytics: reports listed, described, run at once and later, changed for one
// run, cloned and deleted.
'use strict';
const assert = require('node:assert/strict');
const jsforce = require('jsforce');

const org = JSON.parse(process.env.LOCALORG);
const VERSION = '64.0';
const conn = new jsforce.Connection({instanceUrl: org.url, accessToken: org.access_token, version: VERSION});
const checks = [];
const check = (name, run) => checks.push([name, run]);
const refusedWith = code => e => { assert.equal(e.errorCode, code); return true; };
const reports = async format => (await conn.query(
  `SELECT Id, Name FROM Report WHERE Format = '${format}' ORDER BY Name`)).records;

check('recent reports', async () => {
  const [{Id}] = await reports('Tabular');
  await conn.analytics.report(Id).execute();
  const [latest] = await conn.analytics.reports();
  assert.equal(latest.id, Id);
  assert.ok(latest.url.endsWith(Id) && latest.describeUrl.endsWith('/describe') && latest.instancesUrl.endsWith('/instances'));
});

check('describe names columns, types and filters', async () => {
  const [{Id, Name}] = await reports('Tabular');
  const {reportMetadata, reportTypeMetadata, reportExtendedMetadata} = await conn.analytics.report(Id).describe();
  assert.equal(reportMetadata.name, Name);
  assert.equal(reportMetadata.reportFormat, 'TABULAR');
  assert.deepEqual(Object.keys(reportExtendedMetadata.detailColumnInfo), reportMetadata.detailColumns);
  assert.ok(reportTypeMetadata.categories.length && reportTypeMetadata.dataTypeFilterOperatorMap.string);
});

check('a run with details, and without', async () => {
  const [{Id}] = await reports('Tabular');
  const full = await conn.analytics.report(Id).execute({details: true});
  const columns = full.reportMetadata.detailColumns.length, {rows, aggregates} = full.factMap['T!T'];
  assert.ok(full.hasDetailRows && rows.length && rows.every(r => r.dataCells.length === columns));
  assert.equal(aggregates[full.reportMetadata.aggregates.indexOf('RowCount')].value >= rows.length, true);
  const short = await conn.analytics.report(Id).execute();
  assert.equal(short.hasDetailRows, false);
  assert.equal(short.factMap['T!T'].rows, undefined);
});

check('groups of a summary add up to the total', async () => {
  const [{Id}] = await reports('Summary');
  const {factMap, groupingsDown, reportMetadata} = await conn.analytics.report(Id).execute({details: true});
  const at = reportMetadata.aggregates.indexOf('RowCount');
  const sum = groupingsDown.groupings.reduce((n, g) => n + factMap[`${g.key}!T`].aggregates[at].value, 0);
  assert.equal(sum, factMap['T!T'].aggregates[at].value);
});

check('a matrix has a cell for each pair of groups', async () => {
  const [{Id}] = await reports('Matrix');
  const {factMap, groupingsDown, groupingsAcross} = await conn.analytics.report(Id).execute({details: true});
  const [down] = groupingsDown.groupings, [across] = groupingsAcross.groupings;
  assert.ok(factMap[`${down.key}!${across.key}`].aggregates.length && factMap[`T!${across.key}`]);
});

check('metadata sent along holds for that run only', async () => {
  const [{Id}] = await reports('Tabular');
  const report = conn.analytics.report(Id);
  const {reportMetadata} = await report.describe();
  const {factMap} = await report.execute({details: true, metadata: {reportMetadata: {...reportMetadata,
    reportFilters: [{column: reportMetadata.detailColumns[0], operator: 'equals', value: 'nothing is called this'}]}}});
  assert.equal(factMap['T!T'].rows.length, 0);
  assert.deepEqual((await report.describe()).reportMetadata, reportMetadata);
});

check('an asynchronous run, asked for until it is there', async () => {
  const [{Id}] = await reports('Tabular');
  const report = conn.analytics.report(Id);
  const {id, status} = await report.executeAsync({details: true});
  assert.ok(['New', 'Running', 'Success'].includes(status));
  let result;
  for (let i = 0; i < 100 && result?.attributes.status !== 'Success'; i++)
    result = await report.instance(id).retrieve();
  assert.equal(result.attributes.status, 'Success');
  assert.ok(result.factMap['T!T'].rows.length);
  assert.ok((await report.instances()).some(i => i.id === id && i.status === 'Success'));
});

check('clone, run, delete', async () => {
  const [{Id}] = await reports('Tabular');
  const {reportMetadata: {id, name}} = await conn.analytics.report(Id).clone('A clone');
  assert.equal(name, 'A clone');
  assert.ok((await conn.analytics.report(id).execute({details: true})).factMap['T!T'].rows.length);
  await conn.analytics.report(id).destroy();
  await assert.rejects(conn.analytics.report(id).execute(), refusedWith('NOT_FOUND'));
});

check('an org without dashboards', async () => {
  assert.deepEqual(await conn.analytics.dashboards(), []);
  const dashboard = conn.analytics.dashboard('01Z000000000001AAA');
  for (const call of ['describe', 'components', 'status', 'refresh', 'destroy'])
    await assert.rejects(dashboard[call](), refusedWith('NOT_FOUND'), call);
  await assert.rejects(dashboard.clone('A copy', '00l000000000001AAA'), refusedWith('NOT_FOUND'));
});

check('what is no report is refused', async () => {
  await assert.rejects(conn.analytics.report('00O000000000001AAA').describe(), refusedWith('NOT_FOUND'));
  const [{Id}] = await reports('Tabular');
  await assert.rejects(conn.analytics.report(Id).execute({metadata: {reportMetadata: {detailColumns: ['NO_SUCH_COLUMN']}}}),
    refusedWith('BAD_REQUEST'));
});

(async () => {
  let passed = 0, failed = 0;
  for (const [name, run] of checks) {
    try {
      await run();
      passed++;
      console.log(`ok      ${name}`);
    } catch (e) {
      failed++;
      console.log(`FAILED  ${name}\n        ${String(e.stack || e).split('\n').slice(0, 4).join('\n        ')}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
})();
