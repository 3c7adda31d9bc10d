// Two texts side by side: which lines stayed, went and came.

export interface Line {
  kind: "same" | "gone" | "new";
  text: string;
}

/** How long the common rest of both is from each pair of lines on. */
function lengths(a: string[], b: string[]): Uint16Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i]![j] = a[i] === b[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
  return table;
}

export function compareLines(before: string, after: string): Line[] {
  const a = before.split("\n");
  const b = after.split("\n");
  const common = lengths(a, b);
  const out: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length)
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ kind: "same", text: a[i++]! });
      j++;
    } else if (i < a.length && (j >= b.length || common[i + 1]![j]! >= common[i]![j + 1]!)) out.push({ kind: "gone", text: a[i++]! });
    else out.push({ kind: "new", text: b[j++]! });
  return out;
}
