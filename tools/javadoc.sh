#!/usr/bin/env bash
# Builds one site of Javadoc for all modules, in target/reports/apidocs, and checks that links between its pages lead
# somewhere and that it has no page of an internal package. A warning of javadoc fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
./mvnw -q -DskipTests -Djacoco.skip -Dspotless.check.skip package javadoc:aggregate -pl '!linformer-recipes,!notebooks' "$@"
python3 - target/reports/apidocs <<'PYTHON'
import pathlib, re, sys

site = pathlib.Path(sys.argv[1]).resolve()
pages = sorted(site.rglob("*.html"))
internal = [page for page in pages if "internal" in page.relative_to(site).parts]
broken, across = [], 0
for page in pages:
    for link in re.findall(r'href="([^"#?]+)', page.read_text()):
        if ":" in link:  # another site's
            continue
        target = (page.parent / link).resolve()
        if not target.exists():
            broken.append(f"{page.relative_to(site)}: {link}")
        elif target.suffix == ".html" and target.parent != page.parent:
            across += 1
print(f"{len(pages)} pages, {across} links between packages, {len(broken)} broken, {len(internal)} of internal packages")
print(*broken, *internal, sep="\n", end="")
sys.exit(bool(broken or internal or across == 0))
PYTHON
