#!/usr/bin/env bash
# Put a backup back: stop Vigilar, check and restore the archive, set owners and modes, check the configuration, start.
#   restore.sh ARCHIVE [--identity FILE] [--yes] [--parts LIST]
# The identity that opens encrypted backups: /etc/vigilar/recovery/backup_age.txt while it lies here, else name yours.
set -euo pipefail
ETC=/etc/vigilar VAR=/var/vigilar
vigilar=${VIGILAR:-/opt/vigilar/venv/bin/vigilar}
config=${VIGILAR_CONFIG:-$ETC/vigilar.toml}
die() { printf 'restore.sh: %s\n' "$*" >&2; exit 1; }
case ${1:-} in ''|-h|--help) sed -n '2,4p' "$0" | cut -c3-; exit 0 ;; esac
[ "$(id -u)" -eq 0 ] || die "run this as root"
[ -f "$1" ] || die "$1 is not there"
[ -x "$vigilar" ] || die "$vigilar is not there: run install.sh first"
words=("$@")
if [[ " $* " != *" --identity"* ]] && [ -f "$ETC/recovery/backup_age.txt" ]; then words+=(--identity "$ETC/recovery/backup_age.txt"); fi
has_systemd() { [ -d /run/systemd/system ]; }
was_running=''
if has_systemd && systemctl -q is-active vigilar.service; then was_running=1; systemctl stop vigilar.service; fi
"$vigilar" restore -c "$config" "${words[@]}" \
  || die "nothing more was done${was_running:+; Vigilar is stopped: systemctl start vigilar}"
# What the archive held was written by root; each file goes back to whom it belongs (docs/guide/bare-metal.md).
# -h: never what a link leads to.
chown -hR vigilar:vigilar "$VAR/data"
chown -hR root:root "$ETC/secrets" "$ETC/recovery"
find "$ETC/secrets" "$ETC/recovery" -type f -exec chmod 0600 {} +
if [ -f "$ETC/secrets/vapid_public.txt" ]; then chown root:vigilar "$ETC/secrets/vapid_public.txt"; chmod 0644 "$ETC/secrets/vapid_public.txt"; fi
chown root:vigilar "$config"
if [ -d "$ETC/certs" ]; then chown -hR root:vigilar "$ETC/certs"; fi
setpriv --reuid vigilar --regid vigilar --init-groups "$vigilar" config validate -c "$config" \
  || die "the restored configuration is not valid: mend it, then systemctl start vigilar"
if [ -n "$was_running" ]; then systemctl start vigilar.service; else echo "start it: systemctl start vigilar"; fi
