// People: invite, change the role, a new link, disable, delete.
import { useState } from "react";
import { invalidate, useAnswer } from "../api/cache";
import { patch, post, remove, seg } from "../api/client";
import type { Role, User } from "../api/types";
import { useSession } from "../app/session";
import { attempt, Confirm, Dialog } from "../ui/Dialog";
import { Menu } from "../ui/Menu";
import { Page } from "../ui/Page";
import { Button, Copy, ErrorBox, Loading, SelectField, TextField, Time } from "../ui/parts";
import { Icon } from "../ui/icons";

interface Added {
  user: User;
  link: string;
  expires: string;
}
const ROLES: { value: Role; label: string }[] = [
  { value: "viewer", label: "viewer: reads" },
  { value: "runner", label: "runner: runs and uploads" },
  { value: "builder", label: "builder: changes tables, approves writes" },
  { value: "admin", label: "admin: connections, users" },
];

function Invite({ onClose, onAdded }: { onClose: () => void; onAdded: (added: Added) => void }) {
  const [login, setLogin] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<string>("runner");
  return (
    <Confirm title="Invite somebody" deed="Make the link" ready={login.trim() !== ""} onClose={onClose} run={async () => {
      onAdded(await post<Added>("/users", { login: login.trim(), role, ...(name ? { name } : {}) }));
      invalidate("/users");
    }}>
      <TextField label="E-mail or name to sign in with" value={login} onChange={setLogin} autoFocus />
      <TextField label="Name" value={name} onChange={setName} />
      <SelectField label="Role" value={role} onChange={setRole} options={ROLES} />
    </Confirm>
  );
}

function LinkDialog({ added, onClose }: { added: Added; onClose: () => void }) {
  return (
    <Dialog title={`A link for ${added.user.login}`} onClose={onClose}>
      <p>Hand it over yourself. It works once, until <Time at={added.expires} exact />, and is shown only now.</p>
      <pre className="code wrap">{added.link}</pre>
      <div className="actions end"><Copy text={added.link} label="Copy the link" /><Button look="primary" onClick={onClose}>Done</Button></div>
    </Dialog>
  );
}

export function UsersPage() {
  const answer = useAnswer<{ users: User[] }>("/users");
  const { session } = useSession();
  const [inviting, setInviting] = useState(false);
  const [added, setAdded] = useState<Added | null>(null);
  const [deleting, setDeleting] = useState<User | null>(null);
  const change = (user: User, to: Partial<User>) => attempt(patch(`/users/${seg(user.id)}`, to).then(() => invalidate("/users")), "Changed.");
  return (
    <Page title="Users" wide actions={<Button look="primary" icon="plus" onClick={() => setInviting(true)}>Invite</Button>}>
      <ErrorBox error={answer.error} />
      {!answer.data && !answer.error && <Loading />}
      {answer.data && (
        <table className="list">
          <thead><tr><th scope="col">User</th><th scope="col">Role</th><th scope="col">State</th><th scope="col">Last here</th><th scope="col"><span className="visually-hidden">Deeds</span></th></tr></thead>
          <tbody>
            {answer.data.users.map((user) => (
              <tr key={user.id}>
                <td><strong>{user.name ?? user.login}</strong>{user.name && <span className="muted small block">{user.login}</span>}</td>
                <td>
                  <select aria-label={`Role of ${user.login}`} value={user.role} disabled={user.id === session.person.id} onChange={(event) => change(user, { role: event.target.value as Role })}>
                    {ROLES.map((role) => <option key={role.value} value={role.value}>{role.value}</option>)}
                  </select>
                </td>
                <td>{user.disabled ? <span className="pill tone-err">disabled</span> : user.invited ? <span className="pill tone-warn">invited</span> : <span className="pill tone-ok">active</span>}</td>
                <td><Time at={user.signed_in} none="never" /></td>
                <td className="end">
                  <Menu label={`More for ${user.login}`} className="icon-button" entries={() => [
                    { label: "A new link to set a password", run: () => void post<Added>(`/users/${user.id}/link`).then(setAdded, () => attempt(Promise.reject(new Error("No link was made.")))) },
                    { label: "End their sessions", run: () => attempt(remove(`/users/${user.id}/sessions`), "Their sessions have ended.") },
                    { label: user.disabled ? "Let them in again" : "Disable", run: () => change(user, { disabled: !user.disabled }) },
                    "line",
                    { label: "Delete…", danger: true, run: () => setDeleting(user) },
                  ]}><Icon name="more" /><span className="visually-hidden">More for {user.login}</span></Menu>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {inviting && <Invite onClose={() => setInviting(false)} onAdded={setAdded} />}
      {added && !inviting && <LinkDialog added={added} onClose={() => setAdded(null)} />}
      {deleting && (
        <Confirm title={`Delete ${deleting.login}?`} deed="Delete" danger onClose={() => setDeleting(null)} run={async () => {
          await remove(`/users/${deleting.id}`);
          invalidate("/users");
        }}><p>Their sessions and tokens end. Runs and audit lines keep their name.</p></Confirm>
      )}
    </Page>
  );
}
