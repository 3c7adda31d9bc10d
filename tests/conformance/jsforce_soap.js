// jsforce over SOAP: sign-in, lead conversion, merging, the Metadata API and a
// deployment; and the Tooling API beside it.
'use strict';
const assert = require('node:assert/strict');
const jsforce = require('jsforce');
const JSZip = require('jszip');

const org = JSON.parse(process.env.LOCALORG);
const VERSION = '64.0';
const checks = [];
const check = (name, run) => checks.push([name, run]);
let conn;

check('login() by user name and password, identity, logout', async () => {
  const own = new jsforce.Connection({loginUrl: org.url, version: VERSION});
  const who = await own.login(org.username, org.password);
  assert.equal(who.organizationId, org.organization_id);
  assert.equal((await own.query('SELECT Id FROM Account LIMIT 1')).totalSize, 1);
  assert.equal((await own.soap.getUserInfo()).userName, org.username);
  assert.match((await own.soap.getServerTimestamp()).timestamp, /^\d{4}-.*Z$/);
  const token = own.accessToken;
  await own.logout();
  const again = new jsforce.Connection({instanceUrl: org.url, accessToken: token, version: VERSION});
  await assert.rejects(again.query('SELECT Id FROM Account'), e => e.errorCode === 'INVALID_SESSION_ID');
  await assert.rejects(new jsforce.Connection({loginUrl: org.url, version: VERSION}).login(org.username, 'no'),
    /INVALID_LOGIN: Invalid username, password, security token/);
  await assert.rejects(new jsforce.Connection({loginUrl: org.url, version: '66.0'}).login(org.username, org.password),
    /not available in API version 65.0 and later/);
});

check('create, update, upsert and delete over SOAP', async () => {
  const made = await conn.soap.create([{type: 'Account', Name: 'Soapy'}, {type: 'Account', Phone: '1'}]);
  assert.deepEqual(made.map(r => r.success), [true, false]);
  assert.equal(made[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  const id = made[0].id;
  assert.equal((await conn.soap.update({type: 'Account', Id: id, Phone: '42', Site: null})).success, true);
  assert.equal((await conn.sobject('Account').retrieve(id)).Phone, '42');
  const upserted = await conn.soap.upsert('Lead_Key__c', [{type: 'Lead', Lead_Key__c: 'soap-1', LastName: 'L', Company: 'C'}]);
  assert.equal(upserted[0].created, true);
  assert.equal((await conn.soap.delete([id]))[0].success, true);
});

check('converts a lead', async () => {
  const {id} = await conn.sobject('Lead').create({LastName: 'Convert', Company: 'Converted Inc', Email: 'c@c.example'});
  const result = await conn.soap.convertLead({leadId: id, convertedStatus: 'Closed - Converted'});
  assert.equal(result.success, true);
  const lead = await conn.sobject('Lead').retrieve(id);
  assert.equal(lead.IsConverted, true);
  assert.equal(lead.ConvertedContactId, result.contactId);
  assert.equal((await conn.sobject('Account').retrieve(result.accountId)).Name, 'Converted Inc');
});

check('merges accounts', async () => {
  const [a, b] = await conn.sobject('Account').create([{Name: 'Twin'}, {Name: 'Twin 2'}]);
  await conn.sobject('Contact').create({LastName: 'Lee', AccountId: b.id});
  const result = await conn.soap.merge({masterRecord: {type: 'Account', Id: a.id}, recordToMergeIds: [b.id]});
  assert.equal(result.success, true);
  assert.deepEqual(result.mergedRecordIds, [b.id]);
  const lost = await conn.query(`SELECT Id, MasterRecordId FROM Account WHERE Id = '${b.id}'`, {scanAll: true});
  assert.equal(lost.records[0].MasterRecordId, a.id);
});

check('creates, reads, lists and deletes a custom field by the Metadata API', async () => {
  const field = {fullName: 'Lead.Sealed__c', label: 'Sealed', type: 'Text', length: 64, externalId: true, unique: true};
  const made = await conn.metadata.create('CustomField', field);
  assert.equal(made.success, true, JSON.stringify(made));
  assert.equal((await conn.metadata.create('CustomField', field)).errors[0].statusCode, 'DUPLICATE_DEVELOPER_NAME');
  const read = await conn.metadata.read('CustomField', 'Lead.Sealed__c');
  assert.equal(read.type, 'Text');
  assert.equal(read.unique, true);
  assert.equal((await conn.metadata.upsert('CustomField', {...field, label: 'Sealed key'})).created, false);
  const described = await conn.sobject('Lead').describe();
  assert.equal(described.fields.find(f => f.name === 'Sealed__c').label, 'Sealed key');
  const list = await conn.metadata.list([{type: 'CustomField'}], VERSION);
  assert.ok(list.some(item => item.fullName === 'Lead.Sealed__c'));
  assert.ok((await conn.metadata.describe(VERSION)).metadataObjects.some(o => o.xmlName === 'PermissionSet'));
  const tooling = await conn.tooling.query("SELECT Id, FullName FROM CustomField WHERE DeveloperName = 'Sealed'");
  assert.equal(tooling.records[0].FullName, 'Lead.Sealed__c');
  assert.equal((await conn.metadata.delete('CustomField', 'Lead.Sealed__c')).success, true);
});

check('creates a custom field by the Tooling API', async () => {
  const made = await conn.tooling.sobject('CustomField').create({FullName: 'Account.Tooled__c',
    Metadata: {label: 'Tooled', type: 'Number', precision: 10, scale: 2}});
  assert.equal(made.success, true);
  const {id} = await conn.sobject('Account').create({Name: 'Tooled', Tooled__c: 1.25});
  assert.equal((await conn.sobject('Account').retrieve(id)).Tooled__c, 1.25);
  await conn.tooling.sobject('CustomField').destroy(made.id);
});

const zip = async files => {
  const archive = new JSZip();
  for (const [name, text] of Object.entries(files)) archive.file(name, text);
  return archive.generateAsync({type: 'nodebuffer', compression: 'DEFLATE'});
};
const XMLNS = 'xmlns="http://soap.sforce.com/2006/04/metadata"';

check('deploys a permission set over SOAP and over REST', async () => {
  const files = field => ({
    'package.xml': `<Package ${XMLNS}><types><members>Jsforce</members><name>PermissionSet</name></types><version>64.0</version></Package>`,
    'permissionsets/Jsforce.permissionset': `<PermissionSet ${XMLNS}><label>Jsforce</label><fieldPermissions><editable>true</editable>` +
      `<field>${field}</field><readable>true</readable></fieldPermissions></PermissionSet>`});
  conn.metadata.pollInterval = 50;
  const result = await conn.metadata.deploy(await zip(files('Lead.Title')), {rollbackOnError: true}).complete(true);
  assert.equal(result.status, 'Succeeded', JSON.stringify(result));
  assert.equal(result.success, true);
  assert.ok((await conn.query("SELECT Id FROM PermissionSet WHERE Name = 'Jsforce'")).totalSize === 1);
  const failed = await conn.metadata.deploy(await zip(files('Lead.Nope__c')), {}).complete(true);
  assert.equal(failed.success, false);
  const problems = [].concat(failed.details.componentFailures).map(f => f.problem);
  assert.deepEqual(problems, ['In field: field - no CustomField named Lead.Nope__c found']);
  const started = await conn.metadata.deployRest(await zip(files('Lead.Phone')), {rollbackOnError: true});
  const status = await conn.metadata.checkDeployStatus(started.id, true, true);
  assert.equal(status.status, 'Succeeded');
});

(async () => {
  let passed = 0, failed = 0;
  conn = new jsforce.Connection({instanceUrl: org.url, accessToken: org.access_token, version: VERSION});
  for (const [name, run] of checks) {
    try {
      await run();
      passed++;
      console.log(`ok   ${name}`);
    } catch (e) {
      failed++;
      console.log(`FAIL ${name}\n${e.stack || e}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
})();
