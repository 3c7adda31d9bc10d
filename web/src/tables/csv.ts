// The first lines of a CSV file, for the preview: quotes, line ends, the likely delimiter.
// The server reads the whole file by its own rules (src/base/csv.c).

export interface CsvHead {
  names: string[];
  rows: string[][];
  delimiter: string;
}
const HEAD_BYTES = 256 * 1024;

export function splitCsv(text: string, delimiter: string, most: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let quoted = false;
  for (let at = 0; at < text.length && rows.length < most; at++) {
    const sign = text[at] ?? "";
    if (quoted) {
      if (sign !== '"') field += sign;
      else if (text[at + 1] === '"') field += text[++at];
      else quoted = false;
    } else if (sign === '"' && !field) quoted = true;
    else if (sign === delimiter) {
      row.push(field);
      field = "";
    } else if (sign === "\n") {
      rows.push([...row, field]);
      row = [];
      field = "";
    } else if (sign !== "\r") field += sign;
  }
  if (rows.length < most && (field || row.length)) rows.push([...row, field]);
  return rows;
}

export async function readHead(file: File, most: number): Promise<CsvHead> {
  const text = (await file.slice(0, HEAD_BYTES).text()).replace(/^\uFEFF/, "");
  const first = text.split("\n", 1)[0] ?? "";
  const delimiter = [",", ";", "\t", "|"].sort((a, b) => first.split(b).length - first.split(a).length)[0] ?? ",";
  const [names = [], ...rows] = splitCsv(text, delimiter, most + 1);
  return { names: names.map((name, at) => name.trim() || `Column ${at + 1}`), rows, delimiter };
}
