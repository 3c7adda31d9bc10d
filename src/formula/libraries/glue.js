// glue.js - the libraries under the names people know: _ and lodash, dayjs, and
// the spreadsheet functions (SUM, IF, VLOOKUP, ...), all of them as formulajs.SUM, too.
// Runs once in the worker, before the built-ins are frozen; `load` gives a library
// by its file. What one formula could change for another one is frozen or refused.
(load => {
  'use strict';
  const root = globalThis;
  const lodash = load('lodash/lodash.min.js');
  const dayjs = load('dayjs/dayjs.min.js');
  for (const plugin of ['utc', 'timezone', 'customParseFormat', 'advancedFormat', 'relativeTime', 'duration', 'isoWeek',
    'quarterOfYear', 'weekOfYear', 'dayOfYear', 'isBetween', 'isSameOrAfter', 'isSameOrBefore', 'isLeapYear', 'minMax',
    'localizedFormat'])
    dayjs.extend(load(`dayjs/plugin/${plugin}.js`));
  const formulajs = load('@formulajs/formulajs/lib/browser/formula.min.js');

  // settings that would outlive the row they are made in
  const refuse = (object, name, why) => { object[name] = () => { throw new Error(why); }; };
  const locale = dayjs.locale;
  dayjs.locale = (preset, object, local) => local ? locale(preset, object, true) : locale();
  refuse(dayjs, 'extend', 'dayjs.extend: plugins are chosen when argil is built');
  refuse(dayjs.tz, 'setDefault', 'dayjs.tz.setDefault would change other rows: name the zone');
  refuse(lodash, 'mixin', '_.mixin would change other rows');

  const seen = new Set();
  const freeze = it => {
    if (it === null || (typeof it !== 'object' && typeof it !== 'function') || seen.has(it)) return;
    seen.add(it);
    for (const key of Reflect.ownKeys(it)) {
      const property = Object.getOwnPropertyDescriptor(it, key);
      if ('value' in property) freeze(property.value);
    }
    if (it !== Function.prototype && it !== Object.prototype) Object.freeze(it);
  };
  const put = (name, value) => Object.defineProperty(root, name, {value, enumerable: false});
  for (const it of [lodash, dayjs, formulajs]) freeze(it);
  put('_', lodash);
  put('lodash', lodash);
  put('dayjs', dayjs);
  put('formulajs', formulajs);
  for (const [name, value] of Object.entries(formulajs))
    if (/^[A-Z][A-Z0-9_]*$/.test(name) && !(name in root)) put(name, value);
  Object.defineProperty(root, 'moment', {
    get() { throw new Error('moment is not here: dayjs has the same functions'); }});
})
