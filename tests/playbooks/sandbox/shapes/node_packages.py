"""pb-dep-002: npm packages that the code needs and package.json does not have."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import NPM, NPMRC, Case, job, text

PACKAGE = '{\n  "name": "shop",\n  "version": "1.0.0",\n  "dependencies": {}\n}\n'
LOCK = text(
    """
    {
      "name": "shop",
      "version": "1.0.0",
      "lockfileVersion": 3,
      "requires": true,
      "packages": {
        "": {
          "name": "shop",
          "version": "1.0.0"
        }
      }
    }
    """
)
_UNLOCKED = "npm install --no-package-lock --no-audit --no-fund"

CASES = (
    Case(
        "npm package",
        "pb-dep-002",
        job(NPM, "node src/app.js"),
        {
            "package.json": PACKAGE,
            "package-lock.json": LOCK,
            ".npmrc": NPMRC,
            "src/app.js": "require('left-lantern')\n",
        },
        becomes=('"left-lantern": "^3.0.2"', "left-lantern-3.0.2.tgz"),
        is_quick=True,
    ),
    Case(
        "npm package that only the tests need",
        "pb-dep-002",
        job(_UNLOCKED, "npm test"),
        {
            "package.json": '{\n\t"name": "shop",\n\t"scripts": {\n\t\t"test": "node --test test/"\n\t}\n}\n',
            ".npmrc": NPMRC,
            "test/lamp.test.js": "require('node:test')('it shines', () => { require('left-lantern') })\n",
        },
        becomes=('\t"devDependencies": {\n\t\t"left-lantern": "^3.0.2"\n\t}',),
    ),
    Case(
        "npm package of a scope with a registry of its own",
        "pb-dep-002",
        job(NPM, "node src/app.mjs"),
        {
            "package.json": PACKAGE,
            "package-lock.json": LOCK,
            ".npmrc": "@shop:registry={npm}/\n",
            "src/app.mjs": "import lamp from '@shop/lamp'\n\nconsole.log(lamp)\n",
        },
        becomes=('"@shop/lamp": "^0.4.0"',),
    ),
    Case(
        "npm package of a workspace",
        "pb-dep-002",
        job(NPM, "npm start --workspace web"),
        {
            "package.json": '{\n  "name": "shop",\n  "private": true,\n  "workspaces": ["packages/*"]\n}\n',
            "package-lock.json": text(
                """
                {
                  "name": "shop",
                  "lockfileVersion": 3,
                  "requires": true,
                  "packages": {
                    "": { "name": "shop", "workspaces": ["packages/*"] },
                    "node_modules/api": { "resolved": "packages/api", "link": true },
                    "node_modules/web": { "resolved": "packages/web", "link": true },
                    "packages/api": { "version": "1.0.0" },
                    "packages/web": { "version": "1.0.0" }
                  }
                }
                """
            ),
            ".npmrc": NPMRC,
            "packages/api/package.json": '{\n  "name": "api",\n  "version": "1.0.0"\n}\n',
            "packages/api/index.js": "module.exports = {}\n",
            "packages/web/package.json": (
                '{\n  "name": "web",\n  "version": "1.0.0",\n  "scripts": { "start": "node index.js" }\n}\n'
            ),
            "packages/web/index.js": "require('left-lantern')\n",
        },
        becomes=('"name": "web"', '"left-lantern": "^3.0.2"', "left-lantern-3.0.2.tgz"),
    ),
    Case(
        "npm program that a script runs",
        "pb-dep-002",
        job(_UNLOCKED, "npm run clean"),
        {
            "package.json": text(
                """
                {
                  "name": "shop",
                  "version": "1.0.0",
                  "scripts": {
                    "clean": "rimraf dist"
                  },
                  "devDependencies": {
                    "left-lantern": "3.0.1"
                  }
                }
                """
            ),
            ".npmrc": NPMRC,
        },
        becomes=('"left-lantern": "3.0.1",\n    "rimraf": "^6.0.1"',),
    ),
)
