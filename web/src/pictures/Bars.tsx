// Stacked bars over days. Shape tells parts apart, not colour alone: each part has its
// own pattern, and the numbers stand in the table beside.
import { count } from "../ui/time";

export interface Part {
  name: string;
  tone: string;
}
export interface BarsProps {
  label: string;
  days: { day: string; values: number[] }[];
  parts: Part[];
  /** A dashed top on the last bar: what it may come to. */
  forecast?: number | null;
  limit?: { at: number; label: string } | null;
}

const WIDTH = 700;
const HEIGHT = 132;
const BASE = 150;
const PATTERNS = ["", "url(#hatch-a)", "url(#hatch-b)", "url(#dots)"];

function Patterns() {
  return (
    <defs>
      <pattern id="hatch-a" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" className="pattern-ground" /><line x1="0" y1="0" x2="0" y2="6" className="pattern-line" /></pattern>
      <pattern id="hatch-b" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect width="6" height="6" className="pattern-ground" /><line x1="0" y1="0" x2="0" y2="6" className="pattern-line" /></pattern>
      <pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" className="pattern-ground" /><circle cx="2" cy="2" r="1.2" className="pattern-dot" /></pattern>
    </defs>
  );
}

export function Bars({ label, days, parts, forecast, limit }: BarsProps) {
  const sums = days.map((day) => day.values.reduce((a, b) => a + b, 0));
  const most = Math.max(1, ...sums, forecast ?? 0, limit?.at ?? 0);
  const step = WIDTH / days.length;
  const height = (value: number) => (value / most) * HEIGHT;
  return (
    <>
      <svg className="chart" viewBox={`0 0 ${WIDTH} 180`} role="img" aria-label={`${label}: ${days.map((day, at) => `${day.day} ${sums[at]}`).join(", ")}${forecast ? `; forecast for the last day ${forecast}` : ""}`}>
        <Patterns />
        <text x="0" y="12" className="chart-text">{count(most)}</text>
        <line x1="0" x2={WIDTH} y1="18" y2="18" className="chart-line" />
        <line x1="0" x2={WIDTH} y1={BASE} y2={BASE} className="chart-line" />
        {days.map((day, at) => {
          let below = 0;
          return (
            <g key={day.day}>
              {day.values.map((value, part) => {
                if (!value) return null;
                below += height(value);
                return <rect key={part} x={at * step + step * 0.16} y={BASE - below} width={step * 0.68} height={height(value)} className={`chart-part tone-${parts[part]?.tone ?? "accent"}`} fill={PATTERNS[part % 4] || "currentColor"}><title>{`${day.day}, ${parts[part]?.name}: ${count(value)}`}</title></rect>;
              })}
              {at === days.length - 1 && forecast && forecast > (sums[at] ?? 0) && <rect x={at * step + step * 0.16} y={BASE - height(forecast)} width={step * 0.68} height={height(forecast - (sums[at] ?? 0))} className="chart-forecast"><title>{`forecast ${count(forecast)}`}</title></rect>}
              <text x={at * step + step / 2} y="168" textAnchor="middle" className="chart-text">{day.day.slice(8)}.{day.day.slice(5, 7)}</text>
            </g>
          );
        })}
        {limit && <><line x1="0" x2={WIDTH} y1={BASE - height(limit.at)} y2={BASE - height(limit.at)} className="chart-limit" /><text x={WIDTH} y={BASE - height(limit.at) - 4} textAnchor="end" className="chart-text">{limit.label}</text></>}
      </svg>
      {parts.length > 1 && (
        <ul className="legend">
          {parts.map((part, at) => <li key={part.name}><svg width="14" height="14" aria-hidden="true" className={`tone-${part.tone}`}><rect width="14" height="14" className="chart-part" fill={PATTERNS[at % 4] || "currentColor"} /></svg> {part.name}</li>)}
        </ul>
      )}
    </>
  );
}

export function BarsTable({ days, parts, total }: { days: BarsProps["days"]; parts: Part[]; total: string }) {
  return (
    <table className="list dense">
      <thead><tr><th scope="col">Day (UTC)</th>{parts.map((part) => <th key={part.name} scope="col" className="numeric">{part.name}</th>)}<th scope="col" className="numeric">{total}</th></tr></thead>
      <tbody>{days.map((day) => <tr key={day.day}><td>{day.day}</td>{day.values.map((value, at) => <td key={at} className="numeric">{count(value)}</td>)}<td className="numeric">{count(day.values.reduce((a, b) => a + b, 0))}</td></tr>)}</tbody>
    </table>
  );
}
