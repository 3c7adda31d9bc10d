// "Give your password again": asked when the server wants a fresh proof.
import { useEffect, useState } from "react";
import { onProofWanted, post } from "../api/client";
import type { Session } from "../api/types";
import { Confirm } from "../ui/Dialog";
import { TextField } from "../ui/parts";
import { useSession } from "./session";

export function Proof() {
  const { renew } = useSession();
  const [answer, setAnswer] = useState<((given: boolean) => void) | null>(null);
  const [password, setPassword] = useState("");
  useEffect(() => {
    onProofWanted(() => new Promise((resolve) => setAnswer(() => resolve)));
    return () => onProofWanted(() => Promise.resolve(false));
  }, []);
  if (!answer) return null;
  const end = (given: boolean) => {
    answer(given);
    setAnswer(null);
    setPassword("");
  };
  return (
    <Confirm title="Your password, please" deed="Continue" ready={password !== ""} onClose={() => end(false)} run={async () => {
      renew(await post<Session>("/session/proof", { password }));
      end(true);
    }}>
      <p>This changes who may do what, so Argil asks again. It lasts for 15 minutes.</p>
      <TextField label="Password" type="password" autoComplete="current-password" autoFocus value={password} onChange={setPassword} />
    </Confirm>
  );
}
