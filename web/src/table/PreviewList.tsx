// What a column would give for the rows on screen; writes are shown, not made.
import type { Preview } from "../api/types";
import { valueText } from "../grid/cells";
import { ErrorBox, StateMark } from "../ui/parts";
import { plural } from "../ui/time";
import { OldNew } from "../journal/OperationCard";

export function PreviewList({ preview, busy, error, ready, rows, type }: {
  preview: Preview | null;
  busy: boolean;
  error: unknown;
  ready: boolean;
  rows: number;
  type: string;
}) {
  return (
    <section className={`preview ${busy ? "busy" : ""}`} aria-label="Preview" aria-busy={busy}>
      <h3>Preview <span className="muted small">{busy ? "is computed anew…" : preview ? `${plural(preview.calls, "API call")} for these rows; nothing was written` : ""}</span></h3>
      {!rows && <p className="muted">The table has no rows to try it on yet.</p>}
      {rows > 0 && !ready && <p className="muted">Fill in what is marked with * and it is tried on the rows on screen.</p>}
      <ErrorBox error={error} />
      {preview?.rows.map((row, at) => (
        <div key={row.row_id} className="preview-row">
          <span className="muted numeric">{at + 1}</span>
          <div>
            {row.write ? (
              <>
                <strong>{row.write.kind} {row.write.object} {row.write.target ?? ""}</strong>
                <OldNew before={row.write.before} values={row.write.set} />
              </>
            ) : (
              <>
                {row.state !== "ok" && <StateMark state={row.state} />} <span>{valueText(row.value, type)}</span>
                {row.message && <div className="muted small">{row.message}</div>}
              </>
            )}
          </div>
        </div>
      ))}
    </section>
  );
}
