#!/usr/bin/env bash
# Set up NUT for a UPS on USB, and let Vigilar shut this host down:
#   setup_nut.sh                     install NUT, look for the UPS, write /etc/nut, enable the services
#   setup_nut.sh --host-shutdown     only: let this host watch for Vigilar's request (folder /run/vigilar-shutdown)
#   setup_nut.sh --write-only DIR    only: write the five files of NUT into DIR, and touch nothing else
# Options: --group GROUP  whose members may ask for the shutdown (default vigilar; for containers 10001)
# May be run again at any time: what it replaces is kept beside it as *.before-vigilar.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
what=all target=/etc/nut group=vigilar
FOLDER=/run/vigilar-shutdown
say() { printf '\033[1m[nut]\033[0m %s\n' "$*"; }
die() { printf '[nut] %s\n' "$*" >&2; exit 1; }

while [ $# -gt 0 ]; do
  case $1 in
    --host-shutdown) what=host ;;
    --write-only) what=write target=${2:?--write-only needs a folder}; shift ;;
    --group) group=${2:?--group needs a name}; shift ;;
    -h|--help) sed -n '2,7p' "$0" | cut -c3-; exit 0 ;;
    *) die "unknown option $1; try --help" ;;
  esac
  shift
done
[ "$what" = write ] || [ "$(id -u)" -eq 0 ] || die "run this as root"

install_nut() {
  if command -v dpkg-query >/dev/null && [ "$(dpkg-query -W -f='${db:Status-Status} ' nut-server nut-client usbutils 2>/dev/null)" = "installed installed installed " ]; then
    say "NUT is installed"
  elif command -v apt-get >/dev/null; then
    say "apt-get install nut-server nut-client"
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends install nut-server nut-client usbutils
  elif command -v pacman >/dev/null; then
    say "pacman -S nut"
    pacman -S --needed --noconfirm nut usbutils
  else
    die "neither apt-get nor pacman is here: install NUT by hand, then use --write-only /etc/nut"
  fi
}

# Vendors that build most UPS with the HID power class.
VENDORS='051d 0463 0764 09ae 06da 0665 047c 050d 0d9f 2a37'
find_ups() {
  local found=''
  command -v nut-scanner >/dev/null && found=$(nut-scanner -U -q 2>/dev/null | grep -c 'driver' || true)
  if [ "${found:-0}" -gt 0 ]; then say "nut-scanner found a UPS on USB"; return; fi
  local vendor
  for vendor in $VENDORS; do
    if command -v lsusb >/dev/null && lsusb -d "$vendor:" >/dev/null 2>&1; then say "a device of vendor $vendor is on USB"; return; fi
  done
  say "no UPS was found on USB: plug it in and run this again, or put its driver into $target/ups.conf"
}

put() {   # put NAME: standard input becomes $target/NAME, the old file stays beside it
  local file="$target/$1" new
  new=$(mktemp "$target/.$1.XXXXXX")
  cat >"$new"
  chmod 0640 "$new"
  if getent group nut >/dev/null && [ "$(id -u)" -eq 0 ]; then chgrp nut "$new"; fi
  if [ -e "$file" ] && ! cmp -s "$file" "$new" && [ ! -e "$file.before-vigilar" ]; then cp -p "$file" "$file.before-vigilar"; fi
  mv "$new" "$file"
}

write_files() {
  mkdir -p "$target"
  local password
  password=$(sed -n 's/^ *password *= *\([A-Za-z0-9]\{16,\}\) *$/\1/p' "$target/upsd.users" 2>/dev/null | head -n 1 || true)
  [ -n "$password" ] || password=$(head -c 24 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' | head -c 24)
  put nut.conf <<<'MODE=standalone'
  put ups.conf <<'EOF'
[ups]
    driver = usbhid-ups
    port = auto
    desc = "UPS of this host"
EOF
  put upsd.conf <<<'LISTEN 127.0.0.1 3493'
  put upsd.users <<EOF
[vigilar]
    password = $password
    upsmon primary
EOF
  put upsmon.conf <<EOF
MONITOR ups@localhost 1 vigilar $password primary
MINSUPPLIES 1
SHUTDOWNCMD "/sbin/shutdown -h +0"
POLLFREQ 5
POLLFREQALERT 5
HOSTSYNC 15
DEADTIME 15
POWERDOWNFLAG /etc/killpower
FINALDELAY 5
EOF
  say "wrote nut.conf, ups.conf, upsd.conf, upsd.users and upsmon.conf into $target"
}

enable_services() {
  command -v systemctl >/dev/null || { say "no systemd here: start the driver, upsd and upsmon by hand"; return; }
  local name unit
  for name in nut-driver-enumerator nut-driver.target nut-driver nut-server nut-monitor upsd upsmon; do
    case $name in *.*) unit=$name ;; *) unit=$name.service ;; esac
    if systemctl cat "$unit" >/dev/null 2>&1; then
      systemctl enable "$unit" >/dev/null 2>&1 || true   # a static unit is started by others
      systemctl restart "$unit" || say "$unit did not start: journalctl -u $unit"
    fi
  done
  say "test it: upsc ups@localhost"
}

host_shutdown() {
  getent group "$group" >/dev/null || [[ $group =~ ^[0-9]+$ ]] || die "there is no group $group; --group 10001 is the one of the containers"
  command -v systemctl >/dev/null || die "no systemd here: see docs/guide/power.md for other ways"
  install -d -m 0755 /usr/local/lib/vigilar /etc/tmpfiles.d
  install -m 0755 "$here/host_shutdown.sh" /usr/local/lib/vigilar/host_shutdown.sh
  # /run is empty after each start: tmpfiles makes the folder again, and the mark that somebody looks into it.
  printf 'd %s 1770 root %s -\nf %s/watched 0644 root root - by vigilar-shutdown.path\n' "$FOLDER" "$group" "$FOLDER" \
    >/etc/tmpfiles.d/vigilar-shutdown.conf
  systemd-tmpfiles --create /etc/tmpfiles.d/vigilar-shutdown.conf
  local unit
  for unit in vigilar-shutdown.path vigilar-shutdown.service; do
    sed -e "s|@FOLDER@|$FOLDER|g" -e 's|@SCRIPT@|/usr/local/lib/vigilar/host_shutdown.sh|g' "$here/../systemd/$unit" >"/etc/systemd/system/$unit"
  done
  # The unit of an installation by install.sh may write nowhere else.
  if [ -e /etc/systemd/system/vigilar.service ]; then
    install -d -m 0755 /etc/systemd/system/vigilar.service.d
    install -m 0644 "$here/../systemd/vigilar.service.d/host-shutdown.conf" /etc/systemd/system/vigilar.service.d/host-shutdown.conf
  fi
  systemctl daemon-reload
  systemctl enable --now vigilar-shutdown.path
  if systemctl -q is-active vigilar.service; then say "restart Vigilar once, so that it may put its request there: systemctl restart vigilar"; fi
  say "this host goes down when Vigilar asks for it in $FOLDER (containers: VIGILAR_SHUTDOWN_DIR=$FOLDER)"
}

case $what in
  write) write_files ;;
  host) host_shutdown ;;
  all) install_nut; find_ups; write_files; enable_services
       say "to let Vigilar shut this host down: $0 --host-shutdown" ;;
esac
