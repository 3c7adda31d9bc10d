// jsforce drives localorg through Bulk API 2.0 (ingest and query), Bulk API 1
// and list views, as its documentation says.
'use strict';
const assert = require('node:assert/strict');
const jsforce = require('jsforce');

const org = JSON.parse(process.env.LOCALORG);
const VERSION = '64.0';
const conn = new jsforce.Connection({instanceUrl: org.url, accessToken: org.access_token, version: VERSION});
conn.bulk2.pollInterval = conn.bulk.pollInterval = 50;
const checks = [];
const check = (name, run) => checks.push([name, run]);
const load = (operation, input, more) => conn.bulk2.loadAndWaitForResults({object: 'Account', operation, input, ...more});
const many = (n, f) => Array.from({length: n}, (_, i) => f(i));
const count = (object, where) => conn.sobject(object).count(where);
const raw = (method, path, body, headers) => fetch(`${org.url}/services/data/v${VERSION}${path}`, {method, body,
  headers: {authorization: `Bearer ${org.access_token}`, 'content-type': 'application/json', ...headers}});
const policy = async settings => assert.ok((await fetch(`${org.url}/localorg/policies`,
  {method: 'POST', body: JSON.stringify({org: settings})})).ok);

check('ingest: inserts records', async () => {
  const {successfulResults, failedResults, unprocessedRecords} = await load('insert',
    many(450, i => ({Name: `Bulk2 ${i}`, Phone: i % 2 ? '555' : null, Description: 'a "quoted", comma\nand line'})));
  assert.equal(successfulResults.length, 450);
  assert.equal(failedResults.length, 0);
  assert.equal(unprocessedRecords.length, 0);
  assert.match(successfulResults[0].sf__Id, /^001\w{15}$/);
  assert.equal(successfulResults[0].sf__Created, 'true');
  const read = await conn.sobject('Account').retrieve(successfulResults[1].sf__Id);
  assert.equal(read.Description, 'a "quoted", comma\nand line');
  assert.equal(await count('Account', {Name: {$like: 'Bulk2 %'}}), 450);
});

check('ingest: updates, and #N/A empties a field', async () => {
  const rows = await conn.query("SELECT Id FROM Account WHERE Name LIKE 'Bulk2 1%'");
  const done = await load('update', rows.records.map(({Id}) => ({Id, Phone: null, Description: ''})));
  assert.equal(done.successfulResults.length, rows.records.length);
  assert.equal(done.successfulResults[0].sf__Created, 'false');
  const after = await conn.sobject('Account').retrieve(rows.records[0].Id);
  assert.equal(after.Phone, null);
  assert.match(after.Description, /quoted/, 'an empty cell changes nothing');
});

check('ingest: upserts a CSV string by External ID', async () => {
  const csv = 'Lead_Key__c,LastName,Company\nbulk-1,Ann,A\nbulk-2,Bob,B\n';
  const first = await load('upsert', csv, {object: 'Lead', externalIdFieldName: 'Lead_Key__c', lineEnding: 'LF'});
  assert.deepEqual(first.successfulResults.map(r => r.sf__Created), ['true', 'true']);
  const second = await load('upsert', csv, {object: 'Lead', externalIdFieldName: 'Lead_Key__c'});
  assert.deepEqual(second.successfulResults.map(r => r.sf__Created), ['false', 'false']);
  assert.equal(await count('Lead', {Lead_Key__c: {$like: 'bulk-%'}}), 2);
});

check('ingest: refused rows come back with code, message and fields', async () => {
  const {successfulResults, failedResults} = await load('insert',
    'Name,NumberOfEmployees,ParentId\nGood,1,\n,2,\nBad number,many,\nBad parent,3,003000000000001AAA\n');
  assert.equal(successfulResults.length, 1);
  assert.equal(failedResults.length, 3);
  assert.equal(failedResults[0].sf__Error, 'REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --');
  assert.match(failedResults[1].sf__Error, /^INVALID_TYPE_ON_FIELD_IN_RECORD:.*:NumberOfEmployees --$/);
  assert.match(failedResults[2].sf__Error, /^\w+:.*ParentId --$/);
  assert.equal(failedResults[1].Name, 'Bad number');
});

check('ingest: an unknown column fails the job, nothing is written', async () => {
  const before = await count('Account');
  const job = conn.bulk2.createJob({object: 'Account', operation: 'insert'});
  await job.open();
  await job.uploadData('Name,Nope__c\nA,1\n');
  await job.close();
  await assert.rejects(job.poll(50, 5000), /InvalidBatch : Field name not found : Nope__c/);
  const info = await job.check();
  assert.equal(info.state, 'Failed');
  assert.equal(info.numberRecordsProcessed, 0);
  assert.deepEqual(await job.getUnprocessedRecords(), [{Name: 'A', Nope__c: '1'}]);
  assert.equal(await count('Account'), before);
});

check('ingest: line ends must be the job’s', async () => {
  await assert.rejects(load('insert', 'Name\r\nA\r\n', {lineEnding: 'LF'}),
    /ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF/);
  assert.equal((await load('insert', 'Name\r\nCrlf\r\n', {lineEnding: 'CRLF'})).successfulResults.length, 1);
  assert.equal((await load('insert', 'Name;Site\nSemi;x\n', {columnDelimiter: 'SEMICOLON'})).successfulResults.length, 1);
});

check('ingest: a parent named by its External ID', async () => {
  const {successfulResults} = await load('insert', `LastName,Account.Name\nChild,x\n`, {object: 'Contact'}).catch(e => e);
  assert.equal(successfulResults, undefined, 'Account.Name is no External ID');
  const owned = await load('insert', `Name,Owner.Username\nOwned,${org.username}\n`);
  assert.equal(owned.failedResults.length, 0, JSON.stringify(owned.failedResults));
});

check('ingest: job JSON field by field', async () => {
  const answer = await raw('POST', '/jobs/ingest', '{"object":"Account","operation":"insert"}');
  assert.equal(answer.status, 200);
  const job = await answer.json();
  assert.equal(job.apiVersion, 64);
  assert.equal(job.contentUrl, `services/data/v${VERSION}/jobs/ingest/${job.id}/batches`);
  assert.match(job.id, /^750\w{15}$/);
  assert.deepEqual([job.state, job.concurrencyMode, job.contentType, job.lineEnding, job.columnDelimiter],
    ['Open', 'Parallel', 'CSV', 'LF', 'COMMA']);
  assert.equal((await raw('PUT', `/${job.contentUrl.split('/').slice(3).join('/')}`, 'Name\nA\n',
    {'content-type': 'text/csv'})).status, 201);
  const twice = await raw('PUT', `/jobs/ingest/${job.id}/batches`, 'Name\nB\n', {'content-type': 'text/csv'});
  assert.equal(twice.status, 400);
  assert.match((await twice.json())[0].message, /Found multiple contents for job/);
  const closed = await (await raw('PATCH', `/jobs/ingest/${job.id}`, '{"state":"UploadComplete"}')).json();
  assert.equal(closed.state, 'UploadComplete');
  const again = await raw('PATCH', `/jobs/ingest/${job.id}`, '{"state":"UploadComplete"}');
  assert.equal((await again.json())[0].errorCode, 'INVALIDJOBSTATE');
  const info = await (await raw('GET', `/jobs/ingest/${job.id}`)).json();
  assert.deepEqual([info.state, info.jobType, info.numberRecordsProcessed, info.numberRecordsFailed],
    ['JobComplete', 'V2Ingest', 1, 0]);
  const listed = await (await raw('GET', '/jobs/ingest?jobType=V2Ingest')).json();
  assert.ok(listed.done && listed.records.some(r => r.id === job.id));
  assert.equal((await raw('DELETE', `/jobs/ingest/${job.id}`)).status, 204);
  assert.equal((await raw('GET', `/jobs/ingest/${job.id}`)).status, 404);
});

check('ingest: multipart create', async () => {
  const part = (head, body) => `--B\r\n${head}\r\n\r\n${body}\r\n`;
  const answer = await raw('POST', '/jobs/ingest',
    part('Content-Type: application/json\r\nContent-Disposition: form-data; name="job"',
      '{"object":"Account","operation":"insert","lineEnding":"CRLF"}') +
    part('Content-Type: text/csv\r\nContent-Disposition: form-data; name="content"; filename="content"',
      'Name\r\nMultipart') + '--B--\r\n', {'content-type': 'multipart/form-data; boundary=B'});
  const job = await answer.json();
  assert.equal(job.state, 'UploadComplete', JSON.stringify(job));
  assert.equal((await (await raw('GET', `/jobs/ingest/${job.id}`)).json()).state, 'JobComplete');
  assert.equal(await count('Account', {Name: 'Multipart'}), 1);
});

check('ingest: abort, then delete', async () => {
  const job = conn.bulk2.createJob({object: 'Account', operation: 'insert'});
  await job.open();
  await job.uploadData('Name\nNever\n');
  await job.abort();
  assert.equal((await job.check()).state, 'Aborted');
  assert.equal((await job.getUnprocessedRecords()).length, 1);
  await job.delete();
  await assert.rejects(job.check());
  assert.equal(await count('Account', {Name: 'Never'}), 0);
});

check('ingest: slow polls on order', async () => {
  await policy({bulk_polls: 3});
  const job = conn.bulk2.createJob({object: 'Account', operation: 'insert'});
  const states = [];
  await job.open();
  await job.uploadData('Name\nSlow\n');
  await job.close();
  do states.push((await job.check()).state); while (states.at(-1) !== 'JobComplete' && states.length < 9);
  await policy({bulk_polls: 0});
  assert.deepEqual(states, ['UploadComplete', 'InProgress', 'InProgress', 'JobComplete']);
});

check('ingest: a job that fails half-way leaves unprocessed records', async () => {
  await policy({bulk_fail_after: 200});
  const job = conn.bulk2.createJob({object: 'Account', operation: 'insert'});
  await job.open();
  await job.uploadData('Name\n' + many(350, i => `Half ${i}\n`).join(''));
  await job.close();
  await assert.rejects(job.poll(50, 5000));
  await policy({bulk_fail_after: 0});
  assert.equal((await job.getSuccessfulResults()).length, 200);
  assert.equal((await job.getUnprocessedRecords()).length, 150);
});

check('ingest: deletes and hard-deletes', async () => {
  const ids = async like => (await conn.query(`SELECT Id FROM Account WHERE Name LIKE '${like}'`)).records
    .map(({Id}) => ({Id}));
  const rows = await ids('Bulk2 1%');
  assert.equal((await load('delete', rows)).successfulResults.length, rows.length);
  assert.equal(await count('Account', {Name: {$like: 'Bulk2 1%'}}), 0);
  const all = soql => conn.query(soql, {scanAll: true});
  assert.ok((await all("SELECT Id FROM Account WHERE Name LIKE 'Bulk2 1%'")).totalSize > 0);
  assert.equal((await load('hardDelete', await ids('Bulk2 2%'))).failedResults.length, 0);
  assert.equal((await all("SELECT Id FROM Account WHERE Name LIKE 'Bulk2 2%'")).totalSize, 0);
});

check('ingest: what cannot be a job is refused', async () => {
  const refused = async (body, code) => {
    const answer = await raw('POST', '/jobs/ingest', JSON.stringify(body));
    assert.equal(answer.status, 400);
    assert.equal((await answer.json())[0].errorCode, code);
  };
  await refused({object: 'Nope', operation: 'insert'}, 'INVALIDENTITY');
  await refused({object: 'Account', operation: 'upsert'}, 'INVALIDJOB');
  await refused({object: 'Account', operation: 'upsert', externalIdFieldName: 'Phone'}, 'INVALIDJOB');
  await refused({object: 'Account', operation: 'merge'}, 'INVALIDOPERATION');
});

check('query: reads all rows, parents, dates and nulls', async () => {
  const rows = await (await conn.bulk2.query('SELECT Id, LastName, Account.Name, Email, CreatedDate FROM Contact')).toArray();
  assert.equal(rows.length, await count('Contact'));
  assert.match(rows[0].CreatedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
  assert.ok('Account.Name' in rows[0]);
  assert.equal(new Set(rows.map(r => r.Id)).size, rows.length);
});

check('query: pages by locator', async () => {
  const job = await (await raw('POST', '/jobs/query', '{"operation":"query","query":"SELECT Id, Name FROM Contact"}')).json();
  assert.equal(job.state, 'UploadComplete');
  let info = await (await raw('GET', `/jobs/query/${job.id}`)).json();
  while (info.state !== 'JobComplete') info = await (await raw('GET', `/jobs/query/${job.id}`)).json();
  assert.equal(info.jobType, 'V2Query');
  const ids = [];
  let locator;
  do {
    const page = await raw('GET', `/jobs/query/${job.id}/results?maxRecords=333${locator ? `&locator=${locator}` : ''}`);
    const lines = (await page.text()).trimEnd().split('\n');
    assert.equal(lines[0], '"Id","Name"');
    assert.equal(page.headers.get('sforce-numberofrecords'), String(lines.length - 1));
    ids.push(...lines.slice(1).map(line => line.slice(1, 19)));
    locator = page.headers.get('sforce-locator');
  } while (locator !== 'null');
  assert.equal(ids.length, info.numberRecordsProcessed);
  assert.equal(new Set(ids).size, await count('Contact'));
  const pages = await (await raw('GET', `/jobs/query/${job.id}/resultPages?maxRecords=333`)).json();
  assert.equal(pages.resultPages.length, Math.min(5, Math.ceil(ids.length / 333)));
  const other = await fetch(`${org.url}/services/data/v60.0/jobs/query/${job.id}/results`,
    {headers: {authorization: `Bearer ${org.access_token}`}});
  assert.equal(other.status, 409);
});

check('query: what Bulk cannot do is refused', async () => {
  for (const [query, code] of [['SELECT Id, BillingAddress FROM Account', 'FEATURENOTENABLED'],
    ['SELECT COUNT(Id) FROM Account', 'FEATURENOTENABLED'], ['SELECT Id, (SELECT Id FROM Contacts) FROM Account', 'FEATURENOTENABLED'],
    ['SELECT Id FROM Account OFFSET 5', 'FEATURENOTENABLED'], ['SELECT Nope FROM Account', 'INVALID_FIELD'],
    ['SELECT Id FRM Account', 'MALFORMED_QUERY']]) {
    const answer = await raw('POST', '/jobs/query', JSON.stringify({operation: 'query', query}));
    assert.equal(answer.status, 400, query);
    assert.equal((await answer.json())[0].errorCode, code, query);
  }
});

check('query: deleted rows with queryAll, none without', async () => {
  const soql = "SELECT Id, IsDeleted FROM Account WHERE Name LIKE 'Bulk2 1%'";
  assert.equal((await (await conn.bulk2.query(soql)).toArray()).length, 0);
  assert.ok((await (await conn.bulk2.query(soql, {scanAll: true})).toArray()).every(r => r.IsDeleted === 'true'));
});

check('every Bulk request counts as one call', async () => {
  const used = async () => Number(/api-usage=(\d+)/.exec((await raw('GET', '/limits')).headers.get('sforce-limit-info'))[1]);
  const before = await used();
  await load('insert', 'Name\nCounted\n');
  assert.ok(await used() - before >= 7, 'create, upload, close, poll, three results');
  const {DailyBulkApiBatches, DailyBulkV2QueryJobs} = await conn.limits();
  assert.ok(DailyBulkApiBatches.Remaining < DailyBulkApiBatches.Max);
  assert.ok(DailyBulkV2QueryJobs.Remaining < DailyBulkV2QueryJobs.Max);
});

check('Bulk API 1: load, results in input order', async () => {
  const made = await conn.bulk.load('Account', 'insert', [{Name: 'V1 a', Phone: '1'}, {Phone: '1'}, {Name: 'V1 c'}]);
  assert.deepEqual(made.map(r => r.success), [true, false, true]);
  assert.match(made[0].id, /^001\w{15}$/);
  assert.match(made[1].errors[0], /^REQUIRED_FIELD_MISSING:Required fields are missing: \[Name\]:Name --$/);
  const again = await conn.bulk.load('Account', 'update', [{Id: made[0].id, Name: 'V1 b'}]);
  assert.ok(again[0].success && !again[0].created);
  const up = await conn.bulk.load('Lead', 'upsert', {extIdField: 'Lead_Key__c'},
    [{Lead_Key__c: 'v1-1', LastName: 'V', Company: 'One'}]);
  assert.ok(up[0].created, JSON.stringify(up));
});

check('Bulk API 1: jobs and batches can be asked about', async () => {
  const job = conn.bulk.createJob('Account', 'insert');
  const batch = job.createBatch();
  batch.execute([{Name: 'V1 batch'}]);
  await new Promise((resolve, reject) => batch.on('queue', resolve).on('error', reject));
  batch.poll(20, 5000);
  await new Promise((resolve, reject) => batch.on('response', resolve).on('error', reject));
  const info = await batch.check();
  assert.equal(info.state, 'Completed');
  assert.equal(info.numberRecordsProcessed, '1');
  assert.equal((await job.list()).length, 1);
  assert.equal((await job.check()).state, 'Open');
  assert.equal((await job.close()).state, 'Closed');
});

check('Bulk API 1: queries', async () => {
  const rows = await (await conn.bulk.query('SELECT Id, Name FROM Account LIMIT 7')).toArray();
  assert.equal(rows.length, 7);
});

check('Bulk API 1: mistakes are XML', async () => {
  await assert.rejects(conn.bulk.createJob('Nope', 'insert').open(), /Entity 'Nope' is not supported by the Bulk API/);
  const answer = await fetch(`${org.url}/services/async/${VERSION}/job/750000000000001AAA`,
    {headers: {'x-sfdc-session': 'nobody'}});
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /<exceptionCode>InvalidSessionId<\/exceptionCode>/);
});

check('Query#update and #destroy of more than 200 records', async () => {
  await load('insert', many(230, i => ({Name: `Mass ${i}`})));
  const mass = () => conn.sobject('Account').find({Name: {$like: 'Mass %'}});
  const options = {bulkThreshold: 200, bulkApiVersion: 1};
  const updated = await mass().update({Name: 'Mass ${Id}', Phone: '42'}, 'Account', options);
  assert.equal(updated.filter(r => r.success).length, 230);
  assert.equal(await count('Account', {Phone: '42', Name: {$like: 'Mass 001%'}}), 230);
  const gone = await mass().destroy('Account', options);
  assert.equal(gone.filter(r => r.success).length, 230);
  assert.equal(await count('Account', {Name: {$like: 'Mass %'}}), 0);
});

check('list views: list, describe, results, query', async () => {
  const accounts = conn.sobject('Account');
  const {listviews, done, size, sobjectType} = await accounts.listviews();
  assert.ok(done && size === listviews.length && sobjectType === 'Account');
  const all = listviews.find(v => v.developerName === 'AllAccounts');
  assert.match(all.id, /^00B\w{15}$/);
  const view = await accounts.listview(all.id).describe();
  assert.match(view.query, /^SELECT .* FROM Account/);
  assert.ok(view.columns.some(c => c.fieldNameOrPath === 'Name' && !c.hidden));
  assert.ok(view.columns.some(c => c.fieldNameOrPath === 'SystemModstamp' && c.hidden));
  const results = await accounts.listview(all.id).results();
  assert.ok(results.records.length > 0 && results.records.length <= 25);
  assert.equal(results.size, results.records.length);
  assert.ok(results.records[0].columns.find(c => c.fieldNameOrPath === 'Name').value);
  const rows = await conn.query(view.query);
  assert.ok(rows.totalSize > 0);
  assert.ok((await accounts.listview(all.id).explain()).plans.length);
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
