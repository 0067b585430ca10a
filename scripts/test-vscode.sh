#!/usr/bin/env bash
# Builds the extension and looks at it in a real VS Code, driven through a headless Chromium.
# Installs VS Code (npm), Chromium and the extension's tools by itself.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v npm >/dev/null || scripts/system-packages.sh nodejs npm
export VSCODE_TOOL_DIR="${VSCODE_TOOL_DIR:-$PWD/.vscode-tool}"
vscode-extension/test/install-vscode.sh "$VSCODE_TOOL_DIR"

cd vscode-extension
npm ci --ignore-scripts --silent
npm run --silent package
(cd test/driver && npm ci --ignore-scripts --silent)
REQON_PYTHON="${REQON_PYTHON:-$PWD/../.venv/bin/python}" \
  node --test --test-reporter=spec --test-concurrency=1 test/*.test.mjs
