// A Salesforce record by its Id: what this workspace ever wrote to it, and why.
import { useAnswer } from "../api/cache";
import type { Connection } from "../api/types";
import { goQuery, usePlace } from "../app/router";
import { Page } from "../ui/Page";
import { TextField } from "../ui/parts";
import { RecordId } from "../journal/OperationCard";
import { WhyList } from "./WhyList";

export function RecordPage({ id }: { id: string }) {
  const field = usePlace().query.get("field");
  const connections = useAnswer<{ connections: Connection[] }>("/connections");
  const list = connections.data?.connections ?? [];
  const connection = list.find((one) => one.is_default) ?? list[0];
  return (
    <Page title={`Record ${id}`} lead={<>Every write of this workspace to <RecordId id={id} connection={connection} />, newest first.</>}>
      <TextField label="Only this field" term="API name" value={field ?? ""} onChange={(to) => goQuery({ field: to || null }, true)} spellCheck={false} placeholder="Industry" />
      <WhyList key={field} record={id} field={field} connection={connection?.name ?? null} />
    </Page>
  );
}
