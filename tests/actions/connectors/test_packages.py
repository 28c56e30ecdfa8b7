"""What pip and npm are given to look at, and where."""

from __future__ import annotations

from pathlib import Path

from actions.connectors.packages import PackageManagers, pip_options

NPM = """\
#!/bin/sh
find . -name '*.json' | sort | sed 's/^/"/; s/$/",/' > seen
{ echo '{"seen": ['; cat seen; echo '""]}'; } > package-lock.json
"""


def test_npm_sees_every_package_json_of_the_repository_and_nothing_outside_its_folder(tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.write_text(NPM)
    npm.chmod(0o755)
    files = {
        "package.json": "{}",
        "package-lock.json": "{}",
        "packages/web/package.json": "{}",
        "packages/../../escaped/package.json": "{}",
        "/tmp/package.json": "{}",  # noqa: S108 - must not be written
        "packages/web/index.js": "1",
        ".npmrc": "",
    }
    lock = PackageManagers(str(npm)).lock(files)
    assert lock is not None
    assert lock.split('"')[3:-3:2] == ["./package-lock.json", "./package.json", "./packages/web/package.json"]


def test_where_packages_come_from_is_said_by_the_projects_files_alone() -> None:
    settings = {
        "requirements.txt": "-i http://one.example/simple\n--trusted-host one.example\n--pre\nflask\n",
        ".gitlab-ci.yml:variables": "PIP_FIND_LINKS=wheels\nPIP_NO_INDEX=1\n",
        "README.md": "--index-url http://elsewhere.example\n",
    }
    assert pip_options(settings) == [
        ("--index-url", "http://one.example/simple"),
        ("--trusted-host", "one.example"),
        ("--find-links", "wheels"),
        ("--no-index", ""),
    ]
