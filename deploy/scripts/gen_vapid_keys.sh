#!/usr/bin/env bash
# Make the pair that signs Web Push, once: vapid_private.pem (root's alone) and vapid_public.txt (what browsers get).
#   gen_vapid_keys.sh           make what is missing
#   gen_vapid_keys.sh --renew   make a new pair: every device must then allow notifications again
#   --quiet: say only what was made.   VIGILAR_SECRETS: another folder than /etc/vigilar/secrets
set -euo pipefail
secrets=${VIGILAR_SECRETS:-/etc/vigilar/secrets}
renew='' quiet=''
die() { printf 'gen_vapid_keys.sh: %s\n' "$*" >&2; exit 1; }
while [ $# -gt 0 ]; do
  case $1 in
    --renew) renew=1 ;;
    --quiet) quiet=1 ;;
    -h|--help) sed -n '2,5p' "$0" | cut -c3-; exit 0 ;;
    *) die "unknown option $1; try --help" ;;
  esac
  shift
done
[ -d "$secrets" ] || die "$secrets is not there: run install.sh first"
[ -w "$secrets" ] || die "$secrets cannot be written: run this as root"
private=$secrets/vapid_private.pem public=$secrets/vapid_public.txt
umask 077
if [ -n "$renew" ] || [ ! -e "$private" ]; then
  # Of an installation that ran before this key was root's: devices stay subscribed to it.
  earlier=/var/vigilar/data/secrets/alerts/vapid_private.pem
  if [ -z "$renew" ] && [ -f "$earlier" ] && [ ! -L "$earlier" ]; then
    setpriv --reuid vigilar --regid vigilar --clear-groups cat -- "$earlier" >"$private.new"
  else
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve -out "$private.new" 2>/dev/null \
      || die "openssl could not make a key"
  fi
  mv -f "$private.new" "$private"
  rm -f "$public"
  echo "made $private"
elif [ -z "$quiet" ]; then
  echo "$private is there already and stays (--renew makes a new pair)"
fi
if [ ! -e "$public" ]; then
  # The last 65 bytes of the public key in DER are the uncompressed point (RFC 5480).
  openssl pkey -in "$private" -pubout -outform DER | tail -c 65 | base64 -w0 | tr '+/' '-_' | tr -d '=' >"$public.new"
  [ "$(wc -c <"$public.new")" -eq 87 ] || { rm -f "$public.new"; die "$private is not a key on the curve P-256"; }
  echo >>"$public.new"
  mv -f "$public.new" "$public"
fi
chmod 0600 "$private"
chmod 0644 "$public"
if [ "$(id -u)" -eq 0 ]; then
  chown root:root "$private"
  if getent group vigilar >/dev/null; then chown root:vigilar "$public"; fi
fi
if [ -n "$renew" ]; then echo "restart Vigilar, then allow notifications again on every device"; fi
