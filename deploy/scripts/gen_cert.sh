#!/usr/bin/env bash
# Make a certificate for the web page and name it in vigilar.toml: by mkcert where it is installed, else self-signed by openssl
# (ECDSA P-256, 3650 days). Names: vigilar.local, localhost, 127.0.0.1 and this machine's address in the house.
#   gen_cert.sh                 make it, unless one is there that is valid for this address for another 30 days
#   gen_cert.sh --renew         make a new one
#   gen_cert.sh --ip ADDRESS    for this address instead of the one that was found
# VIGILAR_CONFIG: another file than /etc/vigilar/vigilar.toml; the folder certs lies beside it.
set -euo pipefail
config=${VIGILAR_CONFIG:-/etc/vigilar/vigilar.toml}
certs=$(dirname "$config")/certs
renew='' ip=''
DAYS=3650 LEFT_S=$((30 * 86400))
die() { printf 'gen_cert.sh: %s\n' "$*" >&2; exit 1; }
while [ $# -gt 0 ]; do
  case $1 in
    --renew) renew=1 ;;
    --ip) ip=${2:?--ip needs an address}; shift ;;
    -h|--help) sed -n '2,7p' "$0" | cut -c3-; exit 0 ;;
    *) die "unknown option $1; try --help" ;;
  esac
  shift
done
[ -f "$config" ] || die "$config is not there: run install.sh first"
[ -d "$certs" ] || install -d -m 0750 "$certs" || die "$certs cannot be made: run this as root"
[ -w "$certs" ] && [ -w "$config" ] || die "$certs or $config cannot be written: run this as root"

find_ip() {   # the address that packets to the outside would carry; none is sent
  local found=''
  if command -v ip >/dev/null; then found=$(ip -4 -o route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p'); fi
  [ -n "$found" ] || found=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -E '^[0-9.]+$' | head -n 1 || true)
  echo "$found"
}
[ -n "$ip" ] || ip=$(find_ip)
[ -z "$ip" ] || [[ $ip =~ ^[0-9]{1,3}(\.[0-9]{1,3}){3}$ ]] || die "$ip is no IPv4 address"
names=(vigilar.local localhost 127.0.0.1)
if [ -n "$ip" ] && [ "$ip" != 127.0.0.1 ]; then names+=("$ip"); else echo "no address in the house was found: the certificate is for this machine only (--ip ADDRESS)"; fi

patch() {   # set tls_cert and tls_key of [web]; everything else in the file stays as it is
  local new
  new=$(mktemp "$config.XXXXXX")
  awk -v cert="$certs/cert.pem" -v key="$certs/key.pem" '
    function missing() { if (inside && !c) print "tls_cert = \"" cert "\""; if (inside && !k) print "tls_key = \"" key "\""; c = k = 1 }
    /^[ \t]*\[/ { missing(); inside = ($0 ~ /^[ \t]*\[[ \t]*web[ \t]*\][ \t]*(#.*)?$/); if (inside) { seen = 1; c = k = 0 } }
    inside && /^[ \t]*tls_cert[ \t]*=/ { print "tls_cert = \"" cert "\""; c = 1; next }
    inside && /^[ \t]*tls_key[ \t]*=/ { print "tls_key = \"" key "\""; k = 1; next }
    { print }
    END { missing(); if (!seen) print "\n[web]\ntls_cert = \"" cert "\"\ntls_key = \"" key "\"" }
  ' "$config" >"$new"
  if cmp -s "$new" "$config"; then rm -f "$new"; return; fi
  chmod --reference="$config" "$new"
  [ "$(id -u)" -ne 0 ] || chown --reference="$config" "$new"
  mv -f "$new" "$config"
  echo "$config: [web] tls_cert and tls_key are set"
}

serves() {   # whether the certificate that is there will do
  [ -f "$certs/cert.pem" ] && [ -f "$certs/key.pem" ] || return 1
  openssl x509 -in "$certs/cert.pem" -noout -checkend "$LEFT_S" >/dev/null || return 1
  [ -z "$ip" ] || openssl x509 -in "$certs/cert.pem" -noout -checkip "$ip" | grep -q 'does match'
}

umask 077
if [ -z "$renew" ] && serves; then
  echo "$certs/cert.pem serves ${names[*]} and stays (--renew makes a new one)"
else
  if command -v mkcert >/dev/null; then
    mkcert -ecdsa -cert-file "$certs/cert.pem.new" -key-file "$certs/key.pem.new" "${names[@]}"
    how="mkcert; devices that know its authority trust it"
  else
    san=DNS:vigilar.local,DNS:localhost,IP:127.0.0.1
    if [ "${#names[@]}" -eq 4 ]; then san+=,IP:$ip; fi
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -sha256 -nodes -days "$DAYS" -subj /CN=vigilar.local \
      -addext "subjectAltName=$san" -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth \
      -keyout "$certs/key.pem.new" -out "$certs/cert.pem.new" 2>/dev/null || die "openssl could not make the certificate"
    how="self-signed; browsers warn once"
  fi
  chmod 0640 "$certs/key.pem.new"
  chmod 0644 "$certs/cert.pem.new"
  if [ "$(id -u)" -eq 0 ] && getent group vigilar >/dev/null; then chown root:vigilar "$certs"/*.new; fi
  mv -f "$certs/key.pem.new" "$certs/key.pem"
  mv -f "$certs/cert.pem.new" "$certs/cert.pem"
  echo "$certs/cert.pem for ${names[*]} ($how)"
  openssl x509 -in "$certs/cert.pem" -noout -fingerprint -sha256
fi
patch
