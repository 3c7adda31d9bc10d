"""Every screen of the app, from its own tables, and whether a story looked at it.

Site.fine writes the address of each screen that it looked at (axe-core in both themes,
nothing refused by the CSP). The places are read from the app's sources: a new one that
no story looks at is a failure."""
import re
import urllib.parse

DOORS = ["/setup", "/link", "/"]  # App.tsx shows them to who is not signed in; "/" asks who it is


def between(text, begin, end):
    at = text.index(begin)
    return text[at:text.index(end, at)]


def screens(source):
    """Addresses with :values; ?panel=NAME of what opens beside a grid."""
    places = re.findall(r'path: "([^"]+)"', (source / "app/places.tsx").read_text())
    settings = between((source / "settings/SettingsPage.tsx").read_text(), "const PLACES", "];")
    panels = between((source / "table/TablePanel.tsx").read_text(), "switch (kind)", "default:")
    return (DOORS + [p for p in places if not p.endswith("...")]
            + ["/settings/" + name for name in re.findall(r'name: "(\w+)"', settings)]
            + ["/settings/connections/:name"]
            + ["/tables/:name?panel=" + name for name in re.findall(r'case "(\w+)"', panels)])


def pattern(screen):
    path, _, query = screen.partition("?")
    inner = "/".join("[^/]+" if part.startswith(":") else re.escape(part) for part in path.split("/"))
    return re.compile(f"{inner}{'.*[?&]' + re.escape(query) + '(:|&|$).*' if query else '(?:[?#].*)?'}$")


def missing(source, looked_at):
    seen = []
    for line in looked_at.read_text().split() if looked_at.exists() else []:
        url = urllib.parse.urlsplit(line)
        seen.append(urllib.parse.unquote(url.path + ("?" + url.query if url.query else "")))
    known = screens(source)
    assert len(known) > 30, f"the app's tables were not understood: {known}"
    return [screen for screen in known if not any(pattern(screen).match(one) for one in seen)]
