#!/usr/bin/env bash
# Install, upgrade or remove Vigilar on Debian, Ubuntu or Arch, from this copy of its source; as root.
#   install.sh                       install or upgrade: eight phases, each of which may be run again at any time
#   install.sh --dry-run             say what would be done, change nothing
#   install.sh --uninstall           remove programs and units; configuration, keys and data stay
#   install.sh --uninstall --purge   also remove these, for ever; asks first (--yes: does not)
# Nothing that is yours is replaced: no key, no configuration. After a failure mend the cause and give the command again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
OPT=/opt/vigilar ETC=/etc/vigilar VAR=/var/vigilar LIB=/usr/local/lib/vigilar UNITS=/etc/systemd/system
UNIT_FILES=(vigilar.service vigilar-broker.path vigilar-broker.service vigilar-backup.service vigilar-backup.timer)
SCRIPTS=(backup.sh restore.sh gen_cert.sh gen_vapid_keys.sh setup_nut.sh host_shutdown.sh)
dry='' action=install purge='' yes='' phase='the start'

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
step() { phase="phase $1 ($2)"; printf '\033[1m[%s/8] %s\033[0m\n' "$1" "$2"; }
run() {   # everything that changes something goes through here
  if [ -n "$dry" ]; then printf '  would run: %s\n' "$*"; else "$@"; fi
}
work=''
# However it ends: private keys stay nowhere but in root's folders.
trap 'code=$?; [ -z "$work" ] || rm -rf "$work"; [ "$code" -eq 0 ] || printf "install.sh: stopped in %s, exit code %s. Mend the cause named above and run it again: what is done stays done.\n" "$phase" "$code" >&2' EXIT

while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry=1 ;;
    --uninstall) action=uninstall ;;
    --purge) purge=1 ;;
    --yes) yes=1 ;;
    -h|--help) sed -n '2,7p' "$0" | cut -c3-; exit 0 ;;
    *) die "unknown option $1; try --help" ;;
  esac
  shift
done
[ -z "$purge" ] || [ "$action" = uninstall ] || die "--purge goes with --uninstall only"
[ -n "$dry" ] || [ "$(id -u)" -eq 0 ] || die "run this as root: sudo $0"

has_systemd() { [ -d /run/systemd/system ]; }
as_vigilar() { setpriv --reuid vigilar --regid vigilar --init-groups env HOME="$OPT" USER=vigilar "$@"; }
pip() { as_vigilar "$OPT/venv/bin/python" -m pip --disable-pip-version-check --no-cache-dir "$@"; }
# make OWNER:GROUP MODE FOLDER...: what is there keeps its content and gets owner and mode
make() {
  local owner=$1 mode=$2 folder; shift 2
  for folder in "$@"; do
    if [ -L "$folder" ]; then die "$folder is a link; a folder is needed there"; fi
    if [ "$(stat -c '%U:%G %04a' "$folder" 2>/dev/null)" = "$owner $mode" ]; then continue; fi
    run install -d -o "${owner%:*}" -g "${owner#*:}" -m "$mode" "$folder"
  done
}
# put MODE SOURCE TARGET: root's file, written only when it differs; the name always leads to a whole file
put() {
  if cmp -s "$2" "$3" && [ "$(stat -c '%U:%G %04a' "$3")" = "root:root $1" ]; then return; fi
  say "  $3"
  run install -o root -g root -m "$1" "$2" "$3.new"
  run mv -f "$3.new" "$3"
}

packages() {
  if command -v apt-get >/dev/null; then
    local wanted=(ffmpeg mosquitto python3 python3-venv python3-pip nut-client openssl) missing=() package
    for package in "${wanted[@]}"; do
      dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    if [ "${#missing[@]}" -eq 0 ]; then say "  all there: ${wanted[*]}"; return; fi
    say "  apt: ${missing[*]}"
    run apt-get -qq update
    run env DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends install "${missing[@]}"
  elif command -v pacman >/dev/null; then
    say "  pacman: ffmpeg mosquitto python python-virtualenv nut openssl"
    run pacman -S --needed --noconfirm ffmpeg mosquitto python python-virtualenv nut openssl
  else
    die "neither apt-get nor pacman is here; supported are Debian, Ubuntu and Arch"
  fi
}

python_is_new_enough() {
  command -v python3 >/dev/null || { [ -n "$dry" ] && return; die "python3 is missing"; }
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed, this is $(python3 -V)"
}

user() {
  getent group vigilar >/dev/null || run groupadd --system vigilar
  if ! getent passwd vigilar >/dev/null; then
    run useradd --system --gid vigilar --home-dir "$OPT" --no-create-home --shell /usr/sbin/nologin vigilar
  elif [ "$(id -u vigilar)" -eq 0 ]; then
    die "the user vigilar is root"
  fi
}

folders() {
  make vigilar:vigilar 0755 "$OPT"
  make vigilar:vigilar 0750 "$VAR" "$VAR/data" "$VAR/recordings" "$VAR/hls"
  make vigilar:vigilar 0700 "$VAR/data/secrets"
  make root:root 0700 "$VAR/backups"
  make root:root 0755 "$ETC" "$OPT/scripts" "$OPT/systemd" "$OPT/systemd/vigilar.service.d" "$OPT/docs" "$LIB"
  make root:root 0700 "$ETC/secrets" "$ETC/recovery"
  make root:vigilar 0750 "$ETC/certs"
}

program() {
  # The service's user may not see the folder this was unpacked in: it gets a copy to build from, gone afterwards.
  local build=$OPT/.build
  if [ -n "$dry" ]; then
    say "  would make $OPT/venv and run: pip install --upgrade $source_dir (from a copy in $build, as vigilar)"
    return
  fi
  rm -rf "$build"
  install -d -o vigilar -g vigilar -m 0700 "$build"
  tar -C "$source_dir" --exclude=.git --exclude=node_modules --exclude=.venv --exclude=.cache --exclude=.vigilar \
      --exclude=__pycache__ --exclude=./config/secrets --exclude=./tests -cf - . \
    | as_vigilar tar -C "$build" --no-same-owner -xf -
  # Also after an upgrade of the system's Python, which leaves a venv that does not run.
  if ! as_vigilar "$OPT/venv/bin/python" -c 'import pip' 2>/dev/null; then as_vigilar python3 -m venv --clear "$OPT/venv"; fi
  say "  pip install (some minutes the first time)"
  local code=0
  # Twice: once for what it needs, and once because pip would leave an installed wheel of the same version as it is.
  (cd "$build" && pip wheel -q --no-deps -w dist . && pip install -q --upgrade dist/vigilar-*.whl \
    && pip install -q --force-reinstall --no-deps dist/vigilar-*.whl) || code=$?
  rm -rf "$build"
  [ "$code" -eq 0 ] || die "pip install failed: the reason stands above"
  chmod 0755 "$OPT/venv"
  say "  $("$OPT/venv/bin/python" -I -c 'import vigilar_common; print("vigilar", vigilar_common.__version__)' 2>/dev/null || true)"
}

scripts() {
  local name
  for name in "${SCRIPTS[@]}"; do put 0755 "$here/$name" "$OPT/scripts/$name"; done
  put 0755 "$here/install.sh" "$OPT/scripts/install.sh"
  put 0755 "$here/broker_users.sh" "$LIB/broker_users.sh"
  for name in vigilar-shutdown.path vigilar-shutdown.service; do put 0644 "$source_dir/deploy/systemd/$name" "$OPT/systemd/$name"; done
  for name in gpu gpio coral arp host-shutdown; do
    put 0644 "$source_dir/deploy/systemd/vigilar.service.d/$name.conf" "$OPT/systemd/vigilar.service.d/$name.conf"
  done
  put 0644 "$source_dir/docs/guide/bare-metal.md" "$OPT/docs/bare-metal.md"
}

keys() {
  local target=$ETC/secrets/storage.key
  if [ -e "$target" ]; then
    [ "$(stat -c %s "$target")" -eq 32 ] || die "$target has $(stat -c %s "$target") bytes, must have 32; put the right one back from a backup"
    say "  $target stays as it is"
  elif [ -e "$ETC/secrets/storage_public.pem" ]; then
    # A new one would open nothing; storage says what it misses.
    say "  $target is missing and is not made anew: put it back from a backup"
  else
    say "  $target"
    if [ -z "$dry" ]; then
      (umask 077; head -c 32 /dev/urandom >"$target.new" && sync "$target.new")
      mv -f "$target.new" "$target"
    fi
  fi
  # The pairs that seal recordings, sign the ledger and open backups: made by the program, kept by root.
  [ ! -e "$ETC/secrets/storage_public.pem" ] || { own_keys; return; }
  say "  pairs of keys for recordings, ledger, recovery and backups"
  [ -z "$dry" ] || return 0
  work=$(mktemp -d "$([ -d /dev/shm ] && echo /dev/shm || echo "$VAR")/vigilar-keys.XXXXXX")
  chown vigilar:vigilar "$work"
  as_vigilar VIGILAR_CONFIG= "$OPT/venv/bin/vigilar" init --config "$source_config" --secrets "$work/made" >/dev/null || die "the keys could not be made"
  local pair file
  # The public half of the recordings' pair comes last: what is left of a cut-off run is made anew, what is complete stays.
  for pair in recovery/recovery_private.pem:recovery recovery/backup_age.txt:recovery recovery/recovery_public.pem:secrets \
              storage/ledger_private.pem:secrets storage/ledger_public.txt:secrets storage/backup_recipient.txt:secrets \
              storage/storage_private.pem:secrets storage/storage_public.pem:secrets; do
    file=${pair%:*}
    file=$ETC/${pair#*:}/${file#*/}
    install -o root -g root -m 0600 "$work/made/${pair%:*}" "$file.new"
    sync "$file.new"
    mv -f "$file.new" "$file"
  done
  rm -rf "$work"
  own_keys
}
own_keys() {
  [ -z "$dry" ] || return 0
  local file
  for file in "$ETC"/secrets/* "$ETC"/recovery/*; do
    if [ ! -f "$file" ] || [ -L "$file" ]; then continue; fi
    if [ "${file##*/}" = vapid_public.txt ]; then chown root:vigilar "$file"; chmod 0644 "$file"
    else chown root:root "$file"; chmod 0600 "$file"; fi
  done
  "$OPT/scripts/gen_vapid_keys.sh" --quiet
}

config() {
  if [ -e "$ETC/vigilar.toml" ]; then say "  $ETC/vigilar.toml stays as it is"; return; fi
  say "  $ETC/vigilar.toml"
  run install -o root -g vigilar -m 0644 "$source_config" "$ETC/vigilar.toml"
}

units() {
  local name
  for name in "${UNIT_FILES[@]}"; do put 0644 "$source_dir/deploy/systemd/$name" "$UNITS/$name"; done
  command -v systemctl >/dev/null || { say "  no systemctl here: the units lie in $UNITS"; return; }
  if has_systemd; then run systemctl daemon-reload; fi
  run systemctl -q enable vigilar.service vigilar-broker.path vigilar-backup.timer
  if has_systemd; then run systemctl start vigilar-broker.path vigilar-backup.timer; fi
}

mosquitto() {
  local etc=/etc/mosquitto
  make root:root 0755 "$etc/conf.d"
  getent group mosquitto >/dev/null || [ -n "$dry" ] || die "there is no group mosquitto: is the broker installed?"
  make root:mosquitto 0750 "$etc/vigilar"
  # Debian's own file includes the folder; Arch's does not.
  if ! grep -qsE "^[[:space:]]*include_dir[[:space:]]+$etc/conf.d/?[[:space:]]*$" "$etc/mosquitto.conf"; then
    say "  $etc/mosquitto.conf: include_dir $etc/conf.d"
    [ -n "$dry" ] || printf '\n# By Vigilar.\ninclude_dir %s/conf.d\n' "$etc" >>"$etc/mosquitto.conf"
  fi
  # Until Vigilar has made its users nobody gets in.
  if [ -z "$dry" ] && [ ! -e "$etc/vigilar/acl" ]; then
    install -o root -g mosquitto -m 0640 /dev/null "$etc/vigilar/passwd"
    install -o root -g mosquitto -m 0640 /dev/stdin "$etc/vigilar/acl" <<<'topic deny #'
  fi
  local before=''
  [ ! -e "$etc/conf.d/vigilar.conf" ] || before=$(sha256sum <"$etc/conf.d/vigilar.conf")
  put 0644 "$source_dir/deploy/mosquitto/vigilar.conf" "$etc/conf.d/vigilar.conf"
  if ! has_systemd; then return; fi
  run systemctl -q enable mosquitto.service
  # A restart also restarts Vigilar, which requires it: only when something changed.
  if [ -n "$dry" ] || [ "$before" != "$(sha256sum <"$etc/conf.d/vigilar.conf")" ] || ! systemctl -q is-active mosquitto.service; then
    run systemctl restart mosquitto.service
  fi
}

install_all() {
  source_config=$source_dir/config/vigilar.toml
  [ -f "$source_dir/pyproject.toml" ] && [ -f "$source_config" ] && [ -d "$source_dir/deploy/systemd" ] \
    || die "$source_dir is not the source of Vigilar: run deploy/scripts/install.sh of a clone or an unpacked release"
  step 1 "System dependencies"; packages; python_is_new_enough
  step 2 "System user"; user
  step 3 "Directories and permissions"; folders
  step 4 "Python venv"; program; scripts
  step 5 "Storage encryption key"; keys
  step 6 "Sample config"; config
  step 7 "Systemd unit"; units
  step 8 "Mosquitto"; mosquitto
  phase='the end'
  say ""
  if [ -n "$dry" ]; then say "Nothing was changed."; return; fi
  local again=''
  if has_systemd && systemctl -q is-active vigilar.service; then again=1; fi
  say "Vigilar is installed. What to do next:"
  if [ -n "$again" ]; then
    say "  1. sudo -u vigilar $OPT/venv/bin/vigilar config validate -c $ETC/vigilar.toml"
    say "  2. systemctl restart vigilar          the version that was installed starts"
  else
    say "  1. edit $ETC/vigilar.toml          time zone, cameras (or add them in the page later)"
    say "  2. $OPT/scripts/gen_cert.sh        HTTPS for the page"
    say "  3. $OPT/scripts/setup_nut.sh       only with a UPS on this machine; without one: [ups] enabled = false"
    say "  4. systemctl start vigilar"
    say "  5. journalctl -u vigilar | grep setup   the link to set the first password"
  fi
  say "Take $ETC/recovery away from this machine: it opens recordings and backups (docs: $OPT/docs/bare-metal.md)."
}

uninstall() {
  if [ -n "$purge" ] && [ -z "$yes" ] && [ -z "$dry" ]; then
    [ -t 0 ] || die "--purge removes every recording and key for ever; without a terminal add --yes"
    local answer
    read -r -p "Remove $ETC and $VAR with every recording and key, for ever? Type 'remove': " answer
    [ "$answer" = remove ] || die "nothing was removed"
  fi
  phase='the removal'
  if command -v systemctl >/dev/null; then
    local name
    for name in vigilar.service vigilar-broker.path vigilar-backup.timer vigilar-shutdown.path; do
      if [ ! -e "$UNITS/$name" ]; then continue; fi
      if has_systemd; then run systemctl -q disable --now "$name"; else run systemctl -q disable "$name"; fi
    done
  fi
  local gone=("${UNIT_FILES[@]/#/$UNITS/}" "$UNITS/vigilar-shutdown.path" "$UNITS/vigilar-shutdown.service" /etc/tmpfiles.d/vigilar-shutdown.conf
              /etc/mosquitto/conf.d/vigilar.conf)
  run rm -f "${gone[@]}"
  run rm -rf "$UNITS/vigilar.service.d" "$UNITS/vigilar-backup.service.d" /etc/mosquitto/vigilar "$LIB" "$OPT"
  if has_systemd; then
    run systemctl daemon-reload
    if systemctl -q is-active mosquitto.service; then run systemctl restart mosquitto.service; fi
  fi
  if [ -n "$purge" ]; then
    run rm -rf --one-file-system "$ETC" "$VAR"
    if getent passwd vigilar >/dev/null; then run userdel vigilar; fi
    if getent group vigilar >/dev/null; then run groupdel vigilar; fi
    say "Vigilar and all it kept are removed; packages of the system stay."
  else
    say "Vigilar is removed. $ETC, $VAR and the user vigilar stay: install.sh again takes them up, --purge removes them."
  fi
}

case $action in
  install) install_all ;;
  uninstall) uninstall ;;
esac
