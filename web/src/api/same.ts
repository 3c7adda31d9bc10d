// What is equal to what was there stays the very same object: who remembers it has
// nothing to do when an answer comes again unchanged.

type Bag = Record<string, unknown>;

function isBag(value: unknown): value is Bag {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `fresh`, with every part of `old` in it that is equal. Both are JSON. */
export function sameWhereEqual(old: unknown, fresh: unknown): unknown {
  if (Object.is(old, fresh)) return old;
  if (Array.isArray(old) && Array.isArray(fresh)) {
    const list = fresh.map((one, at) => sameWhereEqual(old[at], one));
    return list.length === old.length && list.every((one, at) => one === old[at]) ? old : list;
  }
  if (isBag(old) && isBag(fresh)) {
    const names = Object.keys(fresh);
    const bag: Bag = {};
    for (const name of names) bag[name] = sameWhereEqual(old[name], fresh[name]);
    return names.length === Object.keys(old).length && names.every((name) => name in old && bag[name] === old[name]) ? old : bag;
  }
  return fresh;
}
