#!/bin/sh
# Checks the JSDoc types of the lab's page, where TypeScript is at hand or npx can fetch it.
# In a copy, where short declarations stand in for the two libraries from npm, which are not ours to check.
here=$(cd "$(dirname "$0")" && pwd)
if command -v tsc >/dev/null 2>&1; then
  check=tsc
elif command -v npx >/dev/null 2>&1 && npx --yes --package typescript@5.9.3 tsc --version >/dev/null 2>&1; then
  check="npx --yes --package typescript@5.9.3 tsc"
else
  echo "The types of the lab's page were not checked: neither tsc nor npx with a network is at hand."
  exit 0
fi
copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
cp -r "$here"/tsconfig.json "$here"/vendor "$here"/../../src/clearprop/laboratory/static/*.js "$copy"
cd "$copy" && $check -p tsconfig.json
