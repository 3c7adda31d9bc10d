// A file in pieces: each says where it belongs, so a broken connection goes on there.
import { useRef, useState } from "react";
import { invalidate } from "../api/cache";
import { ApiError, get, post, put, seg } from "../api/client";
import type { Run } from "../api/types";
import { note } from "../ui/Dialog";
import { Button } from "../ui/parts";

interface Upload {
  id: string;
  received: number;
}
const PIECE = 4 * 1024 * 1024;
const TRIES = 5;

async function sendPieces(upload: Upload, file: File, told: (share: number) => void): Promise<void> {
  let at = upload.received;
  let failed = 0;
  while (at < file.size) {
    try {
      at = (await put<Upload>(`/uploads/${seg(upload.id)}?at=${at}`, file.slice(at, at + PIECE))).received;
      failed = 0;
    } catch (problem) {
      if (++failed > TRIES || (problem instanceof ApiError && problem.status !== 409 && problem.status !== 0 && problem.status < 500)) throw problem;
      await new Promise((resolve) => window.setTimeout(resolve, 400 * failed));
      at = (await get<Upload>(`/uploads/${seg(upload.id)}`)).received;
    }
    told(at / file.size);
  }
}

export async function uploadInto(table: string, source: string | null, file: File, told: (share: number) => void = () => {}): Promise<Run> {
  const upload = await post<Upload>("/uploads", { name: file.name });
  await sendPieces(upload, file, told);
  const run = await post<Run>(`/tables/${seg(table)}/uploads`, { upload: upload.id, ...(source ? { source } : {}) });
  invalidate("/runs", "/tables");
  return run;
}

export function UploadButton({ table, source, bar }: { table: string; source: string; bar: string | null }) {
  const box = useRef<HTMLInputElement>(null);
  const [share, setShare] = useState<number | null>(null);
  return (
    <>
      <input ref={box} type="file" accept=".csv,.tsv,.txt,text/csv" className="visually-hidden" tabIndex={-1} aria-label={`File for ${source}`} onChange={(event) => {
        const file = event.target.files?.[0];
        if (!file) return;
        setShare(0);
        uploadInto(table, source, file, setShare)
          .then(() => note(`${file.name} is being read.`), (problem: unknown) => note(problem instanceof Error ? problem.message : String(problem), "err"))
          .finally(() => setShare(null));
        event.target.value = "";
      }} />
      <Button icon="file" bar={bar} busy={share !== null} onClick={() => box.current?.click()}>{share === null ? "Upload a file…" : `${Math.round(share * 100)} %`}</Button>
    </>
  );
}
