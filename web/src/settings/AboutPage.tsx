import { useSession } from "../app/session";
import { Page } from "../ui/Page";

export function AboutPage() {
  const { session } = useSession();
  return (
    <Page title="About">
      <section className="card" aria-label="This server">
        <dl className="facts">
          <div><dt>Workspace</dt><dd>{session.workspace}</dd></div>
          <div><dt>Version</dt><dd>{session.version}</dd></div>
          <div><dt>API</dt><dd><a href="/api/v1/">Reference</a> · <a href="/api/v1/openapi.json">OpenAPI document</a></dd></div>
          <div><dt>Keys</dt><dd>Press <kbd>?</kbd> anywhere outside a field.</dd></div>
        </dl>
      </section>
    </Page>
  );
}
