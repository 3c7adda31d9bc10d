// Names of secrets that HTTP columns use; what they hold cannot be read back.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { put, remove, seg } from "../api/client";
import { Confirm, note } from "../ui/Dialog";
import { Page } from "../ui/Page";
import { Button, Copy, Empty, ErrorBox, Loading, TextField } from "../ui/parts";

export function SecretsPage() {
  const answer = useAnswer<{ secrets: string[] }>("/secrets");
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const add = <Button look="primary" icon="plus" onClick={() => setAdding(true)}>Secret</Button>;
  const secrets = answer.data?.secrets;
  return (
    <Page title="Secrets" lead="API keys for columns that ask a service. Sealed before they are stored; used as {{secret:name}}." actions={secrets?.length ? add : undefined}>
      <ErrorBox error={answer.error} />
      {!secrets && !answer.error && <Loading />}
      {secrets && !secrets.length && <Empty icon="key" title="No secrets yet" actions={add}>A column that calls a service names its key here instead of holding it.</Empty>}
      {!!secrets?.length && (
        <table className="list">
          <thead><tr><th scope="col">Name</th><th scope="col">Used as</th><th scope="col"><span className="visually-hidden">Deeds</span></th></tr></thead>
          <tbody>
            {secrets.map((one) => (
              <tr key={one}>
                <td><strong>{one}</strong></td>
                <td><code>{`{{secret:${one}}}`}</code> <Copy text={`{{secret:${one}}}`} /></td>
                <td className="end"><Button look="danger" onClick={() => setDeleting(one)}>Delete…</Button></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {adding && (
        <Confirm title="New secret" deed="Store" ready={!!name && !!value} onClose={() => {
          setAdding(false);
          setValue("");
        }} run={async () => {
          await put(`/secrets/${seg(name)}`, { value });
          setValue("");
          setName("");
          invalidate("/secrets");
          note("Stored, sealed.");
        }}>
          <TextField label="Name" value={name} onChange={setName} autoFocus spellCheck={false} />
          <TextField label="Value" type="password" value={value} onChange={setValue} autoComplete="off" help="It cannot be read back. The same name again replaces it." />
        </Confirm>
      )}
      {deleting && (
        <Confirm title={`Delete ${deleting}?`} deed="Delete" danger onClose={() => setDeleting(null)} run={async () => {
          await remove(`/secrets/${seg(deleting)}`);
          invalidate("/secrets");
        }}><p>Columns that use it fail from then on.</p></Confirm>
      )}
    </Page>
  );
}
