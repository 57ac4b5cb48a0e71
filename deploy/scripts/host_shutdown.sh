#!/bin/sh
# Shut this host down when Vigilar asks for it in the folder $1. Run by vigilar-shutdown.service, as root.
# Nothing in the request is carried out: only its first line and its age are looked at.
set -eu
request=${1:?usage: host_shutdown.sh FOLDER}/request
MAX_AGE_S=120
[ -e "$request" ] || [ -L "$request" ] || exit 0
first='' age=$((MAX_AGE_S + 1))
if [ -f "$request" ] && [ ! -L "$request" ]; then
  first=$(head -c 64 -- "$request" | head -n 1)
  age=$(($(date +%s) - $(stat -c %Y -- "$request")))
fi
# Before anything else: what stays would shut the host down again as soon as it is up.
rm -rf -- "$request"
if [ "$first" != "vigilar-shutdown 1" ]; then
  echo "host_shutdown: $request is no request of Vigilar" >&2
  exit 1
fi
if [ "$age" -gt "$MAX_AGE_S" ] || [ "$age" -lt "-$MAX_AGE_S" ]; then
  echo "host_shutdown: the request is $age s old and no longer counts" >&2
  exit 0
fi
echo "host_shutdown: going down as asked"
exec systemctl poweroff
