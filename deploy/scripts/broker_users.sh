#!/bin/sh
# Bring the broker's users and rights, as Vigilar made them, to where Mosquitto reads them, and let it read them again.
# Run as root by vigilar-broker.service whenever they change.
set -eu
from=${VIGILAR_BROKER_FROM:-/var/vigilar/data/secrets/broker}
to=${VIGILAR_BROKER_TO:-/etc/mosquitto/vigilar}
MAX_BYTES=4000000
changed='' new=''
trap 'rm -f "$new"' EXIT
for name in passwd acl; do
  [ -e "$from/$name" ] || continue
  # Read as the user that owns the folder: a link there must not lead root to files of others.
  new=$(mktemp "$to/.$name.XXXXXX")
  setpriv --reuid vigilar --regid vigilar --clear-groups head -c "$MAX_BYTES" -- "$from/$name" >"$new"
  # Mosquitto takes an empty list of rights as leave to do everything.
  if ! [ -s "$new" ]; then
    echo "broker_users: $from/$name is empty and was not taken over" >&2
    exit 1
  fi
  if cmp -s "$new" "$to/$name"; then rm -f "$new"; continue; fi
  chgrp mosquitto "$new"
  chmod 0640 "$new"
  mv -f "$new" "$to/$name"
  changed="$changed $name"
done
[ -n "$changed" ] || exit 0
echo "broker_users: took over$changed"
# SIGHUP, without asking systemd for a reload: Arch's unit has none.
systemctl kill --kill-whom=main --signal=SIGHUP mosquitto.service
