#!/bin/sh
# The disk image of the macOS app: `dmg.sh APP TARGET.dmg`. Without GRIDBEAR_CODESIGN_IDENTITY the app is signed
# ad hoc: macOS calls an unsigned one damaged, with no way to open it.
set -eu
app=$1
target=$2
codesign --force --deep --sign "${GRIDBEAR_CODESIGN_IDENTITY:--}" "$app"
codesign --verify --deep --strict --verbose=2 "$app"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ditto "$app" "$folder/$(basename "$app")"
ln -s /Applications "$folder/Applications"
rm -f "$target"
hdiutil create -volname "GridBear Desktop" -srcfolder "$folder" -format UDZO -ov "$target"
hdiutil verify "$target"
