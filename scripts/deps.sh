#!/usr/bin/env bash
# Sees to the Debian/Ubuntu packages of the groups named: build, headless, judges, database, browser.
# Installs what is missing when it may (root, or sudo without a password); otherwise prints the command and fails.
# DEPS=print never installs; DEPS=skip checks nothing, for systems with other packages.
set -euo pipefail

packages() {
  case "$1" in
    build) # Fyne draws with OpenGL through cgo, on X11 and on Wayland
      echo gcc libc6-dev pkg-config ca-certificates libgl-dev libx11-dev libxcursor-dev libxrandr-dev \
        libxinerama-dev libxi-dev libxxf86vm-dev libwayland-dev libxkbcommon-dev ;;
    headless) # a screen in memory, a hand on the keyboard, a camera
      echo xvfb xdotool x11-xkb-utils imagemagick libgl1-mesa-dri ;;
    judges) # independent programs that the tests ask for their opinion; of ALSA only the library, whose own name varies
      echo libasound2-dev libxml2-utils xmlsec1 openssl zxing-cpp-tools zint poppler-utils ;;
    database) # the server's; it runs clusters of its own, the system's stays as it is
      echo postgresql postgresql-client ;;
    browser) # for the pages that the server shows
      echo chromium ;;
    *) echo "deps.sh: no group is called $1" >&2; exit 2 ;;
  esac
}

[ "${DEPS:-}" = skip ] && exit 0

wanted=()
for group in "$@"; do
  read -ra list <<<"$(packages "$group")"
  wanted+=("${list[@]}")
done

if ! command -v dpkg-query >/dev/null; then
  printf '%s\n' "This is not Debian or Ubuntu. Install what corresponds to these packages, then repeat with DEPS=skip:" \
    "  ${wanted[*]}" >&2
  exit 1
fi

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

install="apt-get install -y --no-install-recommends ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo -n)
fi
if [ "${DEPS:-}" = print ] || ! "${as_root[@]}" true 2>/dev/null; then
  printf '%s\n' "Some packages are missing. Install them and repeat:" "  sudo apt-get update && sudo $install" >&2
  exit 1
fi
echo "Installing: ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
# shellcheck disable=SC2086 # package names hold no spaces
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $install >&2
